"""Authority over a period, given and taken; conflicts of duties, allowed and not."""

from __future__ import annotations

import pytest
from tests.governance.controls.conftest import Books

from backoffice.domain.period import Period
from backoffice.governance.duties import authority_as_of, segregation_conflicts

pytestmark = pytest.mark.integration


def told(night: Books, person: str, roles: tuple[str, ...] = ("ap_clerk",)) -> list[tuple[object, ...]]:
    """Role, limit, how it began and ended, of one person."""
    with night.ledger.connect("auditor") as connection:
        rows = authority_as_of(connection, Period("x", night.first_day, night.last_day))
    return [
        (row["role"], str(row["amount_limit"]), row["granted_how"], row["granted_by"], row["ended_how"], row["ended_by"])
        for row in rows
        if row["person_id"] == person and row["role"] in roles
    ]  # fmt: skip


def test_what_was_found_when_recording_began_counts_from_ever(night: Books) -> None:
    assert told(night, "p-clerk") == [("ap_clerk", "25000", "found", None, None, None)]


def test_each_change_ends_one_stretch_and_begins_another(night: Books) -> None:
    night.as_owner("UPDATE review.authority SET amount_limit = 30000 WHERE person_id = 'p-clerk'")
    night.as_owner("DELETE FROM review.authority WHERE person_id = 'p-clerk'")
    night.as_owner("INSERT INTO review.authority VALUES ('p-clerk', 'ap_clerk', '*', '*', 5, 'EUR')")
    assert told(night, "p-clerk") == [
        ("ap_clerk", "25000", "found", None, "changed", "postgres"),
        ("ap_clerk", "30000", "changed", "postgres", "taken", "postgres"),
        ("ap_clerk", "5", "given", "postgres", None, None),
    ]


def test_a_change_of_the_key_and_an_emptied_table_end_what_was(night: Books) -> None:
    night.as_owner("UPDATE review.authority SET entity = '1000' WHERE person_id = 'p-clerk'")
    night.as_owner("TRUNCATE review.authority")
    assert told(night, "p-clerk") == [
        ("ap_clerk", "25000", "found", None, "changed", "postgres"),
        ("ap_clerk", "25000", "changed", "postgres", "table emptied", "postgres"),
    ]
    assert all(row[4] == "table emptied" for row in told(night, "p-manager"))
    results = night.examine()
    assert [result.control.id for result in results.values() if result.exceptions] == []


def test_what_is_in_the_table_and_not_on_record_is_nobodys_authority(night: Books) -> None:
    night.as_owner(
        "INSERT INTO review.authority VALUES ('p-admin', 'ap_manager', '*', '*', 5, 'EUR')", triggers=False
    )
    assert told(night, "p-admin", ("auditor", "ap_manager")) == [("auditor", "0", "found", None, None, None)]


def test_names_and_log_ins_stay_out_of_the_log(night: Books) -> None:
    night.as_owner("INSERT INTO review.person VALUES ('p-new', 'Nora Newcomer', 'nora@example.com')")
    night.as_owner("INSERT INTO review.identity VALUES ('airflow', 'nora.newcomer', 'p-new')")
    bodies = [
        bytes(body).decode()
        for (body,) in night.ask("SELECT body FROM audit.record WHERE subject LIKE 'setting:review.%'")
    ]
    assert sum("p-new" in body for body in bodies) == 2
    for hidden in ("Nora", "nora", "Clara", "clerk@example.com", "anna.brandt"):
        assert not any(hidden in body for body in bodies), hidden


def test_an_update_that_changes_nothing_leaves_no_record(night: Books) -> None:
    before = night.ask("SELECT count(*) FROM audit.record")
    night.as_owner("UPDATE review.authority SET amount_limit = amount_limit")
    night.as_owner("UPDATE review.person SET name = 'Somebody Else' WHERE person_id = 'p-clerk'")
    assert night.ask("SELECT count(*) FROM audit.record") == before


def test_conflicts_that_the_given_authority_allows_are_no_breaches(night: Books) -> None:
    with night.ledger.connect("auditor") as connection:
        found = segregation_conflicts(connection, Period("x", night.first_day, night.last_day))
    assert found
    assert not any(row["breach"] for row in found)
    buying = {"buyer", "receiver", "ap_clerk", "ap_manager"}
    held = {
        (row["person_id"], row["one_side"], row["other_side"])
        for row in found
        if row["ref"].startswith("authority of") and {row["one_side"], row["other_side"]} <= buying
    }
    assert held == {
        ("p-buyer", "buyer", "receiver"), ("p-manager", "buyer", "receiver"), ("p-manager", "buyer", "ap_clerk"), ("p-manager", "receiver", "ap_clerk"),
        ("p-manager", "buyer", "ap_manager"), ("p-manager", "receiver", "ap_manager"), ("p-manager", "ap_clerk", "ap_manager"),
    }  # fmt: skip


def test_roles_in_different_companies_or_years_are_no_conflict(night: Books) -> None:
    night.as_owner(
        "UPDATE review.authority SET entity = '1000' WHERE person_id = 'p-buyer' AND role = 'buyer'"
    )
    night.as_owner(
        "UPDATE review.authority SET entity = '2000' WHERE person_id = 'p-buyer' AND role = 'receiver'"
    )
    with night.ledger.connect("auditor") as connection:
        period = Period("later", night.last_day.replace(year=2030), night.last_day.replace(year=2031))
        found = segregation_conflicts(connection, period)
    assert not [row for row in found if row["person_id"] == "p-buyer"]
    assert [row for row in found if row["person_id"] == "p-manager"]
