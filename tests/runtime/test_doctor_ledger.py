"""The doctor sees when a role is stronger than designed, and is content when none is."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from backoffice.runtime import doctor_ledger
from backoffice.runtime.findings import Finding

pytestmark = pytest.mark.integration


def look(ledger: Any, check: Any) -> dict[str, Finding]:
    dsn_of = lambda login: ledger.dsn(login.removeprefix("backoffice_"))  # noqa: E731
    return {finding.name: finding for finding in check(dsn_of)}


def as_admin(ledger: Any, *statements: str) -> None:
    with ledger.connect("admin") as connection:
        for statement in statements:
            connection.execute(statement)


def test_a_fresh_ledger_is_good_throughout(ledger: Any) -> None:
    as_admin(ledger, "DELETE FROM ops.simulated_clock")
    checks = (
        doctor_ledger.reachable,
        doctor_ledger.at_head,
        doctor_ledger.privileges,
        doctor_ledger.business_clock,
    )
    for check in checks:
        found = look(ledger, check)
        assert found, "a check that says nothing checks nothing"
        assert {name for name, finding in found.items() if not finding.ok} == set()


@pytest.mark.parametrize(
    ("grant", "name", "seen"),
    [
        (
            "GRANT INSERT ON ledger.journal_entry TO backoffice_app",
            "rights of backoffice_app",
            "INSERT on ledger.journal_entry",
        ),
        (
            "GRANT UPDATE (state) ON review.case TO backoffice_web",
            "rights of backoffice_web",
            "UPDATE on review.case",
        ),
        (
            "GRANT TRUNCATE ON audit.record TO backoffice_auditor",
            "rights of backoffice_auditor",
            "TRUNCATE on audit.record",
        ),
        (
            "GRANT DELETE ON intake.document TO PUBLIC",
            "rights of backoffice_app",
            "DELETE on intake.document",
        ),
    ],
)
def test_a_right_too_many_is_found(ledger: Any, grant: str, name: str, seen: str) -> None:
    as_admin(ledger, grant)
    found = look(ledger, doctor_ledger.privileges)[name]
    assert not found.ok
    assert seen in found.seen


def test_a_human_act_open_to_tasks_is_found(ledger: Any) -> None:
    as_admin(ledger, "GRANT EXECUTE ON FUNCTION review.decide_case TO backoffice_app")
    found = look(ledger, doctor_ledger.privileges)["review.decide_case"]
    assert not found.ok
    assert "backoffice_app" in found.seen


def test_a_log_in_that_may_become_owner_is_found(ledger: Any) -> None:
    """Roles belong to the whole server, so the change is taken back whatever happens."""
    as_admin(ledger, "GRANT backoffice_owner TO backoffice_app")
    try:
        found = look(ledger, doctor_ledger.privileges)["strength of log-ins"]
    finally:
        as_admin(ledger, "REVOKE backoffice_owner FROM backoffice_app")
    assert not found.ok
    assert "backoffice_app" in found.seen


def test_a_simulated_day_is_told(ledger: Any) -> None:
    as_admin(ledger, "UPDATE ops.simulated_clock SET business_date = '2030-01-02'")
    found = look(ledger, doctor_ledger.business_clock)["business clock"]
    assert not found.ok
    assert "2030-01-02" in found.seen


def test_a_ledger_behind_its_package_is_told(ledger: Any) -> None:
    with ledger.connect("admin") as connection:
        table = doctor_ledger._version_table(connection).removeprefix("SELECT version_num FROM ")
        connection.execute(f"UPDATE {table} SET version_num = '0000'")
    found = look(ledger, doctor_ledger.at_head)["ledger version"]
    assert not found.ok
    assert "0000" in found.seen


def test_a_log_in_that_does_not_open_the_ledger_is_told(ledger: Any) -> None:
    def dsn_of(login: str) -> str:
        role = login.removeprefix("backoffice_")
        return psycopg.conninfo.make_conninfo(ledger.dsn(role), password="wrong" if role == "web" else None)

    found = {
        finding.name: finding
        for finding in doctor_ledger.reachable(
            lambda login: dsn_of(login) if "web" in login else ledger.dsn(login.removeprefix("backoffice_"))
        )
    }
    assert not found["log-in backoffice_web"].ok
    assert found["log-in backoffice_app"].ok
