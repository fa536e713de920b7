"""A case that nobody decides: a reminder, the next role, the owner of the process; never a decision."""

from __future__ import annotations

import threading
import time
from typing import Any

import psycopg
import pytest
from tests.answering import decide, sealed
from tests.integration.life.desk import Desk
from tests.integration.life.test_claims import unmatched

pytestmark = pytest.mark.integration
CASES = 6


def steps(desk: Desk, case: int) -> list[tuple[Any, ...]]:
    return desk.admin(
        "SELECT step, level, role FROM review.case_step WHERE case_id = %s ORDER BY step_id", case
    )


def test_reminded_once_then_the_next_role_then_the_owner(desk: Desk) -> None:
    case = desk.books.price
    desk.later(23.9)
    assert sum(desk.keep().values()) == 0
    desk.later(0.2)
    assert desk.keep() == {"expired": 0, "resumed": 0, "reminded": CASES, "escalated": 0}
    for _ in range(3):
        desk.later(1)
        assert sum(desk.keep().values()) == 0, "once"
    assert desk.status(case) == "open"
    desk.later(21)
    assert desk.keep()["escalated"] == CASES
    assert desk.status(case) == "escalated"
    assert desk.case(case, "escalation_level", "escalated_role") == (2, "ap_manager")
    desk.later(24)
    assert desk.keep()["escalated"] == CASES
    desk.later(1000)
    assert sum(desk.keep().values()) == 0
    assert steps(desk, case) == [
        ("reminded", 1, "buyer"),
        ("escalated", 2, "ap_manager"),
        ("escalated", 3, "process_owner"),
    ]
    assert [(r["taken"], r["level"], r["role"]) for r in desk.records(case)] == [
        ("reminded", "1", "buyer"),
        ("escalated", "2", "ap_manager"),
        ("escalated", "3", "process_owner"),
    ]
    assert desk.admin(
        "SELECT count(*) FROM review.answer UNION ALL SELECT count(*) FROM ledger.decision WHERE maker = 'human'"
    ) == [(0,), (0,)]
    assert desk.admin("SELECT DISTINCT state FROM review.case") == [("open",)]
    assert unmatched(desk, "of a case", "on a case") == []


def test_after_an_outage_the_chain_is_gone_through_link_by_link(desk: Desk) -> None:
    desk.later(100)
    assert [sum(desk.keep().values()) for _ in range(4)] == [CASES, CASES, CASES, 0]
    assert [step[0] for step in steps(desk, desk.books.price)] == ["reminded", "escalated", "escalated"]


def test_the_chain_is_data(desk: Desk) -> None:
    """A row that names role or process counts before one for all; a change of it is on record like any rule."""
    desk.admin(
        "INSERT INTO review.escalation (process, role, level, after_hours, step, to_role) VALUES ('*', 'buyer', 1, 2, 'remind', NULL), "
        "('*', 'buyer', 2, 4, 'escalate', 'ap_clerk'), ('invoice_reconciliation', 'buyer', 2, 6, 'escalate', 'ap_manager')"
    )
    assert desk.one("SELECT count(*) FROM audit.record WHERE subject = 'setting:review.escalation'") == 4
    desk.later(5)
    assert desk.keep()["reminded"] == 2
    assert desk.keep()["escalated"] == 0
    desk.later(1.1)
    assert desk.keep()["escalated"] == 2
    assert steps(desk, desk.books.price) == [("reminded", 1, "buyer"), ("escalated", 2, "ap_manager")]
    assert steps(desk, desk.books.received) == []


def test_a_decided_case_is_left_alone(desk: Desk) -> None:
    desk.decide(desk.books.price, "buyer")
    desk.later(100)
    assert desk.keep()["reminded"] == CASES - 1
    assert steps(desk, desk.books.price) == []


def test_escalation_gives_nobody_a_say_and_takes_none(desk: Desk) -> None:
    case = desk.books.duplicate
    desk.admin("DELETE FROM review.authority WHERE person_id = 'p-manager' AND role = 'ap_clerk'")
    desk.later(50)
    desk.keep()
    desk.keep()
    assert desk.status(case) == "escalated"
    with pytest.raises(psycopg.Error, match="no authority as accounts payable clerk"):
        desk.decide(case, "manager")
    assert "no authority" in desk.refused("BO403", "claim", case, "manager")
    assert desk.act("reassign", case, "manager", "please today", to="p-clerk")["claimed_by"] == "p-clerk"
    assert desk.decide(case, "clerk", "reject", code="duplicate")["state"] == "decided"


def test_the_human_wins_who_answers_at_the_same_moment(desk: Desk) -> None:
    """While an answer is on its way the housekeeping leaves the case; it comes after it or not at all."""
    case = desk.books.price
    desk.later(50)
    with desk.ledger.connect("web") as web:
        row = web.execute(
            "SELECT subject_key, role, evidence_hash FROM review.case WHERE case_id = %s", (case,)
        ).fetchone()
        decide(
            web,
            {"case_id": case, "subject_key": row[0], "role": row[1], "evidence_hash": row[2]},
            "buyer",
            "accept",
        )
        assert desk.keep()["reminded"] == CASES - 1, "the case in hand is not waited for"
        web.commit()
    assert desk.keep()["reminded"] == 0
    assert steps(desk, case) == []
    assert desk.case(case, "state", "escalation_level") == ("decided", 0)


def test_answers_against_escalation_a_hundred_times(desk: Desk) -> None:
    """Both at once on real connections: always the answer, at most one step, never an error."""
    case = desk.books.price
    evidence = desk.one("SELECT evidence_hash FROM review.case WHERE case_id = %s", case)
    desk.later(2)
    escalated = 0
    with (
        desk.ledger.connect("web", autocommit=True) as web,
        desk.ledger.connect("app", autocommit=True) as app,
    ):
        words = sealed(web, "airflow", "buyer", "looked at it")
        for turn in range(100):
            desk.admin("DELETE FROM review.escalation")
            desk.admin(
                "INSERT INTO review.escalation (level, after_hours, step, to_role) VALUES (%s, 1, 'escalate', 'ap_manager')",
                1 + turn,
            )
            desk.admin("UPDATE review.case SET state = 'open' WHERE case_id = %s", case)
            desk.admin("UPDATE review.case SET escalation_level = %s", turn)
            before = len(steps(desk, case))
            barrier = threading.Barrier(2)
            failed: list[BaseException] = []

            def keep(
                barrier: threading.Barrier = barrier, failed: list[BaseException] = failed, turn: int = turn
            ) -> None:
                barrier.wait()
                try:
                    time.sleep((turn % 5) * 0.001)
                    app.execute("SELECT review.keep_cases(NULL, 'invoice_reconciliation')")
                except psycopg.Error as error:
                    failed.append(error)

            thread = threading.Thread(target=keep)
            thread.start()
            barrier.wait()
            time.sleep((turn % 3) * 0.002)
            web.execute(
                "SELECT review.decide_case(%s, 'airflow', 'buyer', 'accept', 'agreed_with_supplier', 'looked at it', %s, %s, %s)",
                (case, evidence, f"turn-{turn:04d}", words),
            )
            thread.join()
            assert failed == []
            assert desk.case(case, "state", "claimed_by") == ("decided", None)
            taken = len(steps(desk, case)) - before
            assert taken in (0, 1)
            escalated += taken
    assert desk.one("SELECT count(*) FROM review.answer WHERE case_id = %s", case) == 100
    assert 0 < escalated < 100, "both orders happened"
