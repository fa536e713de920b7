"""Forty cases waved through in two seconds each raise the alarm; a bad test case that is accepted does; nothing of it is booked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from tests.answering import decide, open_cases, sealed
from tests.governance.controls.conftest import Books

from backoffice.operators.run_report import render_run_report

pytestmark = pytest.mark.integration

PROCESS = "invoice_reconciliation"
PLAIN_CASES = """
INSERT INTO review.case (process, subject_kind, subject_id, subject_key, role, entity, title, evidence_hash, handover)
SELECT 'invoice_reconciliation', 'quarantine', 1000000 + n, md5(n::text), %s, '1000', 'case ' || n, '\\x01',
  '{"actions": [{"action": "accept", "needs_second_person": false, "reason_codes": ["approved"]}]}'
FROM generate_series(1, %s) AS n RETURNING case_id
"""


@pytest.fixture
def web(night: Books) -> Iterator[psycopg.Connection[Any]]:
    with night.ledger.connect("web") as connection:
        yield connection


def wave_through(
    night: Books, web: psycopg.Connection[Any], number: int, seconds: float, user: str = "clerk"
) -> None:
    """Let a person accept so many cases, each that many seconds after the one before."""
    with night.ledger.connect("admin") as connection:
        connection.execute("DELETE FROM review.answer WHERE idempotency_key LIKE 'wave/%'")
        cases = connection.execute(PLAIN_CASES, ("ap_clerk", number)).fetchall()
    for (case_id,) in cases:
        case = {"case_id": case_id, "subject_key": str(case_id), "role": "ap_clerk", "evidence_hash": b"\x01"}
        decide(web, case, user, "accept", code="approved", key=f"wave/{case_id}")
    web.commit()
    with night.ledger.connect("admin") as connection:
        connection.execute(
            "UPDATE review.answer a SET answered_at = now() + interval '1 hour' - %s * (n - 1) FROM "
            "(SELECT answer_id, row_number() OVER (ORDER BY answer_id DESC) AS n FROM review.answer WHERE idempotency_key LIKE 'wave/%%') w "
            "WHERE w.answer_id = a.answer_id",
            (timedelta(seconds=seconds),),
        )


def alerts(night: Books) -> list[dict[str, Any]]:
    return [
        json.loads(bytes(body))
        for (body,) in night.ask("SELECT body FROM audit.record WHERE kind = 'alert' AND subject = 'oversight' ORDER BY record_id")
    ]  # fmt: skip


def check(night: Books) -> int:
    with night.ledger.connect("app") as connection:
        return connection.execute("SELECT review.check_oversight(%s)", (PROCESS,)).fetchone()[0]


def report(night: Books) -> dict[str, Any]:
    ((built,),) = night.ask("SELECT ops.build_report((SELECT max(run_id) FROM ops.run))")
    return built


def test_forty_cases_in_two_seconds_each_are_an_alarm(night: Books, web: psycopg.Connection[Any]) -> None:
    assert check(night) == 0
    wave_through(night, web, 40, 2)
    # those of the night before, a minute each, belong to the team as well: too few to hide the rush
    assert check(night) == 1
    assert check(night) == 0, "the same alarm is raised once a day"
    (alert,) = alerts(night)
    assert (alert["alert"], alert["role"]) == ("decided too quickly", "ap_clerk")
    assert "half of them in less than 2.0 s" in alert["detail"]
    assert "p-clerk" not in json.dumps(alert), "by team, not by person"
    result = night.examine()["human_oversight"]
    assert {found.check for found in result.exceptions} == {"too_quick"}
    assert not [found for found in result.exceptions if found.who != "the team ap_clerk"]
    team = next(team for team in report(night)["oversight"]["teams"] if team["role"] == "ap_clerk")
    assert team["too_quick"]
    page = render_run_report(report(night))
    assert "decided too quickly to have looked" in page
    assert "Clara" not in page


@pytest.mark.parametrize(("number", "seconds"), [(40, 60), (15, 2)])
def test_who_takes_time_or_decides_little_raises_none(
    night: Books, web: psycopg.Connection[Any], number: int, seconds: float
) -> None:
    wave_through(night, web, number, seconds)
    assert check(night) == 0
    assert not night.examine()["human_oversight"].exceptions


def test_a_seeded_bad_case_that_is_accepted_is_an_alarm_and_books_nothing(
    night: Books, web: psycopg.Connection[Any]
) -> None:
    books = "SELECT (SELECT count(*) FROM ledger.journal_entry), (SELECT count(*) FROM ledger.hold WHERE released_at IS NULL), (SELECT count(*) FROM ledger.payment_proposal WHERE state = 'proposed'), (SELECT string_agg(state || booking_no::text, ',' ORDER BY invoice_id) FROM ledger.invoice_status)"
    book(night)
    rejected_though_acceptable(night)
    before = night.ask(books)
    assert seed(night, 2) == 2
    assert seed(night, 2) == 0, "two wait already"
    marked = {row[0]: row[1] for row in night.ask("SELECT case_id, template_case FROM vault.seeded_case")}
    cases = [case for case in open_cases(web) if case["case_id"] in marked]
    assert len(cases) == 2, "they stand among the others"
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        web.execute("SELECT * FROM vault.seeded_case")
    web.rollback()
    for row in night.ask(
        "SELECT s.title, s.handover, t.title, t.handover FROM vault.seeded_case x JOIN review.case s USING (case_id) JOIN review.case t ON t.case_id = x.template_case"
    ):
        assert row[:2] == row[2:], "a test case looks like the case that it repeats"
    first, second = cases
    decide(web, first, "manager", "accept", code="approved", key="wrong")
    decide(web, second, "manager", "reject", code="not_ordered", key="right")
    web.commit()
    assert book(night) == 0
    assert night.ask(books) == before, "whatever was answered, nothing is booked, released or paid"
    assert night.ask("SELECT case_id, action, passed, person_id FROM vault.seeded_case ORDER BY passed") == [
        (first["case_id"], "accept", False, "p-manager"),
        (second["case_id"], "reject", True, "p-manager"),
    ]
    (alert,) = alerts(night)
    assert alert["alert"] == "test case answered wrongly"
    result = night.examine()
    assert {name: [found.check for found in one.exceptions] for name, one in result.items() if one.exceptions} == {
        "human_oversight": ["test_case_wrong"]
    }  # fmt: skip
    found = report(night)["oversight"]["test_cases"]
    assert (found["answered"], found["wrong"]) == (2, 1)
    assert "1 of 2 test cases was answered wrongly" in render_run_report(report(night))
    assert all(item["ok"] for item in report(night)["checks"])
    assert book(night) == 0, "once more changes nothing"
    assert len(alerts(night)) == 1


def rejected_though_acceptable(night: Books) -> None:
    """Let the cases that people rejected have been such as one could have accepted."""
    with night.ledger.connect("admin") as connection:
        changed = connection.execute(
            """UPDATE review.case c SET handover = jsonb_set(handover, '{actions}', handover -> 'actions' ||
               '[{"action": "accept", "label": "Accept", "needs_second_person": false, "reason_codes": ["approved"]}]')
               FROM review.answer a WHERE a.case_id = c.case_id AND a.booking_result = 'rejected' AND c.subject_kind = 'invoice'"""
        ).rowcount
    assert changed >= 2


def seed(night: Books, most: int) -> int:
    with night.ledger.connect("app") as connection:
        return connection.execute(
            "SELECT review.seed_test_cases((SELECT max(run_id) FROM ops.run), %s)", (most,)
        ).fetchone()[0]


def book(night: Books) -> int:
    with night.ledger.connect("app") as connection:
        return connection.execute(
            "SELECT booked FROM review.book_answers((SELECT max(run_id) FROM ops.run), %s)", (PROCESS,)
        ).fetchone()[0]


def test_facts_do_not_close_a_test_case(night: Books) -> None:
    book(night)
    rejected_though_acceptable(night)
    assert seed(night, 1) == 1
    with night.ledger.connect("app") as connection:
        connection.execute("SELECT review.open_cases((SELECT max(run_id) FROM ops.run))")
    assert night.ask("SELECT c.state FROM vault.seeded_case JOIN review.case c USING (case_id)") == [
        ("open",)
    ]


def test_single_persons_are_measured_only_while_two_officers_have_switched_it_on(
    night: Books, web: psycopg.Connection[Any]
) -> None:
    wave_through(night, web, 40, 2)
    persons = "SELECT count(*) FROM review.how_people_decide('invoice_reconciliation', '-infinity', 'infinity') WHERE person_id IS NOT NULL"

    def act(statement: str, user: str, *values: Any, reason: str = "works council agreed") -> Any:
        own = sealed(web, "airflow", user, reason)
        row = web.execute(statement, ("airflow", user, *values[:-1], reason, values[-1], own)).fetchone()
        web.commit()
        return row[0]

    ask = "SELECT review.ask_person_measure(%s, %s, audit.today() + 30, %s, %s, %s)"
    answer = "SELECT review.answer_person_measure(%s, %s, %s, %s, %s, %s, %s)"
    with pytest.raises(psycopg.Error, match="no authority as data protection officer"):
        act(ask, "clerk", "k0")
    web.rollback()
    asked = act(ask, "manager", "k1")["measure_id"]
    assert act(ask, "manager", "k1")["measure_id"] == asked
    assert night.ask(persons) == [(0,)], "asked for is not switched on"
    with pytest.raises(psycopg.Error, match="another person must approve"):
        act(answer, "manager", asked, "approve", "k2")
    web.rollback()
    assert act(answer, "admin", asked, "approve", "k3")["approved"]
    ((named,),) = night.ask(persons)
    assert named > 0
    notices = night.examine()["human_oversight"].notices
    assert [item.who for item in notices if item.check == "person_too_quick"] == ["p-clerk"]
    act(answer, "admin", asked, "end", "k4")
    assert night.ask(persons) == [(0,)]
    steps = [row[0] for row in night.ask(
        "SELECT convert_from(body, 'UTF8')::jsonb ->> 'step' FROM audit.record WHERE subject = %s ORDER BY n", f"person_measure:{asked}"
    )]  # fmt: skip
    assert steps == [f"measuring of persons {what}" for what in ("requested", "approved", "ended")]
