"""Who may do what is changed by two people: ``review.propose_access_change`` and ``review.answer_access_change`` on a real Postgres."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from tests.access import answer, carry, key, propose
from tests.conftest import BUSINESS_DATE, Ledger

from backoffice import settings

pytestmark = pytest.mark.integration

NEW = {
    "person_id": "p-new",
    "role": "ap_clerk",
    "amount_limit": "5000.00",
    "currency": "EUR",
    "entity": "1000",
}


@pytest.fixture
def web(ledger: Ledger) -> Iterator[psycopg.Connection[Any]]:
    with ledger.connect("web", autocommit=True) as connection:
        yield connection


def refused(state: str, call: Any, *given: Any, **named: Any) -> str:
    """Expect a refusal and return its message."""
    with pytest.raises(psycopg.Error) as refusal:
        call(*given, **named)
    assert refusal.value.sqlstate == state, refusal.value
    return str(refusal.value.diag.message_primary)


def one(web: psycopg.Connection[Any], statement: str, *values: object) -> Any:
    row = web.execute(statement, values).fetchone()
    return row[0] if row else None


def enter_person(web: psycopg.Connection[Any]) -> None:
    carry(web, "person", "add", {"person_id": "p-new", "name": "Nora New", "email": "nora@example.com"})
    carry(web, "identity", "add", {"person_id": "p-new", "user_id": "nora"})


def test_nothing_changes_before_a_second_person_approved(web: psycopg.Connection[Any]) -> None:
    enter_person(web)
    change = propose(web, "admin", "authority", "add", NEW)
    assert change["state"] == "proposed"
    assert one(web, "SELECT count(*) FROM review.authority WHERE person_id = 'p-new'") == 0
    assert "another person" in refused("BO403", answer, web, "admin", change)
    assert answer(web, "manager", change)["state"] == "approved"
    assert web.execute(
        "SELECT role, process, entity, cost_centre, code, amount_limit::text, effective_from FROM review.authority WHERE person_id = 'p-new'"
    ).fetchall() == [("ap_clerk", "*", "1000", "*", "*", "5000.00", BUSINESS_DATE)]
    assert one(web, "SELECT name FROM review.person WHERE person_id = 'p-new'") == "Nora New"
    refused("BO409", answer, web, "manager", change)


def test_nobody_takes_part_in_a_change_of_what_they_may_do(web: psycopg.Connection[Any]) -> None:
    more = {"person_id": "p-admin", "role": "ap_manager", "amount_limit": 1, "currency": "EUR"}
    assert "themselves" in refused("BO403", propose, web, "admin", "authority", "add", more)
    change = propose(web, "manager", "authority", "add", more)
    assert "themselves" in refused("BO403", answer, web, "admin", change)
    stand_in = {"person_id": "p-clerk", "substitute_id": "p-manager", "to_day": str(BUSINESS_DATE)}
    assert "themselves" in refused(
        "BO403", answer, web, "manager", propose(web, "admin", "substitute", "add", stand_in)
    )


@pytest.mark.parametrize("user", ["clerk", "buyer"])
def test_only_administrators_change_anything(web: psycopg.Connection[Any], user: str) -> None:
    enter_person(web)
    assert "access administrator" in refused("BO403", propose, web, user, "authority", "add", NEW)
    change = propose(web, "admin", "authority", "add", NEW)
    assert "access administrator" in refused("BO403", answer, web, user, change)
    refused("BO403", answer, web, user, change, "withdraw")
    refused("BO401", answer, web, "stranger", change, sealed="x")


def test_the_machine_changes_nothing(ledger: Ledger) -> None:
    for role in ("app", "auditor", "sealer"):
        with ledger.connect(role, autocommit=True) as connection:
            for statement in (
                "SELECT review.propose_access_change('airflow', 'admin', 'person', 'add', '{}', 'r', 'k', 's')",
                "SELECT review.answer_access_change('airflow', 'admin', 1, 'approve', '', 'r', 'k', 's')",
                "UPDATE review.access_change SET state = 'approved'",
                "INSERT INTO review.substitute (person_id) VALUES ('p-clerk')",
            ):
                refused("42501", connection.execute, statement)


def test_own_absence_and_substitute_need_nobody_else(web: psycopg.Connection[Any]) -> None:
    until = str(BUSINESS_DATE + timedelta(days=20))
    away = propose(web, "buyer", "absence", "add", {"person_id": "p-buyer", "to_day": until})
    assert (away["state"], away["alone"]) == ("approved", True)
    row = {"person_id": "p-buyer", "substitute_id": "p-clerk", "to_day": until}
    assert propose(web, "buyer", "substitute", "add", row)["state"] == "approved"
    assert one(web, "SELECT array_agg(x) FROM review.acting_for('p-clerk', %s) x", BUSINESS_DATE) == [
        "p-buyer"
    ]
    assert one(web, "SELECT array_agg(x) FROM review.acting_for('p-clerk', %s) x", "2027-06-01") is None
    assert propose(web, "buyer", "absence", "remove", {"person_id": "p-buyer"})["state"] == "approved"
    assert one(web, "SELECT array_agg(x) FROM review.acting_for('p-clerk', %s) x", BUSINESS_DATE) is None
    year = {**row, "to_day": str(BUSINESS_DATE + timedelta(days=365)), "role": "buyer"}
    assert "three months" in refused("BO403", propose, web, "buyer", "substitute", "add", year)
    assert "access administrator" in refused(
        "BO403", propose, web, "buyer", "absence", "add", {"person_id": "p-clerk", "to_day": until}
    )


def test_what_cannot_be_entered_is_refused_when_it_is_proposed(web: psycopg.Connection[Any]) -> None:
    for kind, act, row in (
        ("authority", "add", {**NEW, "person_id": "p-nobody"}),
        ("authority", "add", {**NEW, "person_id": "p-clerk", "amount_limit": "many"}),
        ("authority", "add", {**NEW, "person_id": "p-clerk", "currency": None}),
        ("authority", "add", {**NEW, "person_id": "p-clerk", "variance_limit": -1}),
        ("person", "add", {"person_id": "p-new"}),
        ("person", "remove", {"person_id": "p-clerk"}),
        (
            "quorum_rule",
            "add",
            {"name": "three of two", "persons": 3, "of_persons": ["p-clerk", "p-manager"]},
        ),
        ("quorum_rule", "add", {"name": "x", "persons": 1, "amount_from": 5}),
        ("substitute", "add", {"person_id": "p-clerk", "substitute_id": "p-clerk", "to_day": "2026-11-21"}),
        ("substitute", "add", {"person_id": "p-clerk", "substitute_id": "p-gone", "to_day": "2026-11-21"}),
        ("nothing", "add", {}),
        ("person", "swap", {}),
    ):
        refused("BO422", propose, web, "admin", kind, act, row)
    refused("BO409", propose, web, "admin", "person", "add", {"person_id": "p-clerk", "name": "X"})
    refused("BO404", propose, web, "admin", "authority", "remove", {**NEW, "person_id": "p-clerk"})
    assert one(web, "SELECT count(*) FROM review.access_change") == 0


def test_the_second_person_signs_what_was_shown(web: psycopg.Connection[Any], ledger: Ledger) -> None:
    enter_person(web)
    change = propose(web, "admin", "authority", "add", NEW)
    assert "look at it again" in refused("BO409", answer, web, "manager", change, shown="00")
    answer(web, "manager", change)
    changed = {**NEW, "amount_limit": 7000, "effective_from": str(BUSINESS_DATE)}
    change = propose(web, "admin", "authority", "change", changed)
    with ledger.connect("admin") as owner:
        owner.execute("UPDATE review.authority SET amount_limit = 6000 WHERE person_id = 'p-new'")
    assert "changed since" in refused("BO409", answer, web, "manager", change)
    assert (
        one(web, "SELECT state FROM review.access_change WHERE change_id = %s", change["change_id"])
        == "proposed"
    )
    assert answer(web, "admin", change, "withdraw")["state"] == "withdrawn"
    assert (
        answer(web, "manager", propose(web, "admin", "authority", "change", changed), "refuse")["state"]
        == "refused"
    )


def test_one_request_sent_twice_is_one_change(web: psycopg.Connection[Any]) -> None:
    row = {"person_id": "p-new", "name": "Nora New"}
    same = key()
    first = propose(web, "admin", "person", "add", row, key=same)
    assert propose(web, "admin", "person", "add", row, key=same) == first
    refused("BO409", propose, web, "admin", "person", "add", {**row, "person_id": "p-other"}, key=same)
    again = key()
    assert answer(web, "manager", first, key=again) == answer(web, "manager", first, key=again)
    assert one(web, "SELECT count(*) FROM review.person WHERE person_id = 'p-new'") == 1


def test_two_administrators_always_remain(web: psycopg.Connection[Any]) -> None:
    mine = {
        "person_id": "p-manager",
        "role": "access_administrator",
        "process": "access",
        "effective_from": "2000-01-01",
    }
    assert "fewer than two" in refused("BO409", propose, web, "admin", "authority", "remove", mine)
    gone = {"person_id": "p-manager", "name": "Max Manager", "active": False}
    assert "fewer than two" in refused("BO409", propose, web, "admin", "person", "change", gone)


def test_what_would_change_is_shown(web: psycopg.Connection[Any]) -> None:
    rule = {"name": "two above 1000", "amount_from": 1000, "currency": "EUR", "persons": 2}
    change = propose(web, "admin", "quorum_rule", "add", rule)
    impact = one(web, "SELECT impact FROM review.access_change WHERE change_id = %s", change["change_id"])
    assert set(impact) == {"before", "after"}
    assert set(impact["before"]) == {"cases", "people", "persons_needed"}


def test_changes_are_on_record_without_names(web: psycopg.Connection[Any], ledger: Ledger) -> None:
    enter_person(web)
    change = propose(web, "admin", "authority", "add", NEW, reason="Nora needs it")
    answer(web, "manager", change)
    with ledger.connect("auditor") as auditor:
        bodies = [
            bytes(row[0]).decode()
            for row in auditor.execute(
                "SELECT body FROM audit.record WHERE starts_with(subject, 'access:') OR starts_with(subject, 'setting:review') ORDER BY record_id"
            )
        ]
        assert auditor.execute(settings.statement("governance/find_unmatched_facts")).fetchall() == []
    assert not any("Nora" in body or "nora" in body for body in bodies)
    steps = [json.loads(body)["step"] for body in bodies if "shown_sha256" in body]
    assert steps == ["access change proposed", "access change approved"] * 3
