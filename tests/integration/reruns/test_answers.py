"""An answer is booked once, whoever is alive to do it, and stands for what it was given for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import psycopg
import pytest
from tests import dump
from tests.answering import decide, open_cases
from tests.integration.reruns.works import (
    LATE,
    MONEY,
    Office,
    Works,
    at_once,
    expect_same,
    finish,
    run_all,
    run_one,
)
from tests.killing import run_operator

from backoffice.exceptions import BackofficeError

pytestmark = pytest.mark.integration


def answered(works: Works, read: str) -> tuple[str, int]:
    """A ledger whose first run was failed, cleared or deleted while people answered: no later task of it ever runs."""
    database = works.copy(read)
    with works.at(database):
        run_all(LATE, "first")
        run_all(LATE, "second")
    return database, works.answer(database)


BOOKED_TWICE = """
SELECT count(*) FROM (SELECT r.subject, convert_from(r.body, 'UTF8')::jsonb ->> 'answer_id' FROM audit.record r
  WHERE r.kind = 'path' AND convert_from(r.body, 'UTF8')::jsonb ->> 'step' = 'answer booked' GROUP BY 1, 2 HAVING count(*) > 1) AS twice
"""
BOOKED = "SELECT count(*) FROM review.answer WHERE booked_at IS NOT NULL"


@pytest.mark.parametrize(
    "who", ["the next run", "housekeeping", "both at once", "two housekeepings", "the run after all"]
)
def test_an_answer_without_its_run_is_booked_once(
    works: Works, read: str, undisturbed: dump.Dump, who: str
) -> None:
    database, cases = answered(works, read)
    assert cases > 5

    def next_run() -> None:
        run_all((*LATE, "act_on_answers"), "second")

    def housekeeping() -> None:
        run_one("keep_house", "tidy")

    jobs: dict[str, tuple[Callable[[], None], ...]] = {
        "the next run": (next_run,), "housekeeping": (housekeeping,), "both at once": (next_run, housekeeping),
        "two housekeepings": (housekeeping, lambda: run_one("keep_house", "tidy too")),
        "the run after all": (lambda: run_one("act_on_answers", "first"), next_run),
    }  # fmt: skip
    with works.at(database):
        at_once(*jobs[who])
        assert works.one(database, BOOKED) == cases
        housekeeping()
        run_one("act_on_answers", "first")
        next_run()
    assert works.one(database, BOOKED) == cases
    assert works.one(database, BOOKED_TWICE) == 0
    finish(works, database)
    wanted, found = (
        {name: side[name] for name in MONEY if name != "outbox"}
        for side in (undisturbed, works.books(database))
    )
    expect_same(wanted, found, f"answers booked by {who}")


def test_a_machine_decision_between_an_answer_and_its_booking_takes_nothing_away(office: Office) -> None:
    """A person accepts; before the answer is booked the next night decides again; the invoice is paid all the same."""
    books = office.books
    books.supplier()
    books.order("PO-1", 1, 100, 10)
    books.receive("PO-1", 1, 90)
    books.invoice("R-1", [("PO-1", 1, 90, 11)])
    office.night()
    office.answer("buyer", "buyer")
    office.night("night-2")
    assert office.act() == {"booked": 1, "stale": 0}
    assert books.status("R-1") == ("matched", True, False)
    assert office.proposed() == [Decimal("1188.00")]


def test_who_accepts_a_receipt_has_not_approved_an_amount_above_the_machines_limit(
    office: Office, business_day: Callable[[date], None]
) -> None:
    """Above 100000.00 nothing received: the receiver accepts that, and the manager is asked for the amount all the same."""
    business_day(date(2026, 11, 24))
    books = office.books
    books.supplier()
    books.order("PO-1", 1, 100, 1000, gr_based=True)
    books.invoice("R-1", [("PO-1", 1, 100, 1000)])
    office.night()
    assert office.cases() == [("receiver", "open")]
    office.answer("receiver", "manager")
    assert office.act() == {"booked": 1, "stale": 0}
    assert books.entries("R-1") == []
    assert office.proposed() == []
    office.night("night-2")
    assert office.cases() == [("receiver", "settled"), ("ap_manager", "open")]
    office.answer("ap_manager", "manager")
    office.act()
    assert office.proposed() == [Decimal("120000.00")]


@pytest.mark.parametrize("first", ["amount approved before", "amount approved after"])
def test_an_approved_amount_is_paid_when_facts_clear_the_rest(office: Office, first: str) -> None:
    """Above the machine's limit, with a price hold that a later version of the order clears: no dead end, no second question."""
    books = office.books
    books.supplier()
    books.order("PO-1", 1, 100, 1000)
    books.receive("PO-1", 1, 100)
    books.invoice("R-1", [("PO-1", 1, 100, 1100)])
    office.night()
    assert sorted(office.cases()) == [("ap_manager", "open"), ("buyer", "open")]
    if first == "amount approved before":
        office.answer("ap_manager", "manager")
        office.act()
        assert books.status("R-1") == ("held", True, True)
    books.order("PO-1", 1, 100, 1100, version=2)
    office.night("night-2")
    if first == "amount approved after":
        assert books.status("R-1") == ("held", False, None)
        office.answer("ap_manager", "manager")
        office.act()
    assert books.status("R-1") == ("matched", True, False)
    assert office.proposed() == [Decimal("132000.00")]
    assert books.connection.execute(
        "SELECT count(*) FROM ledger.journal_entry WHERE event = 'invoice'"
    ).fetchone() == (1,)


def test_an_approved_amount_that_was_parked_for_another_reason_is_booked_when_that_falls(
    office: Office,
) -> None:
    """Above the limit and its order unknown: the manager approves the amount, the order arrives, the machine books."""
    books = office.books
    books.supplier()
    books.invoice("R-1", [("PO-1", 1, 100, 1000)])
    office.night()
    assert sorted(office.cases()) == [("ap_manager", "open"), ("buyer", "open")]
    office.answer("ap_manager", "manager")
    office.act()
    assert books.entries("R-1") == []
    books.order("PO-1", 1, 100, 1000)
    books.receive("PO-1", 1, 100)
    office.night("night-2")
    assert books.status("R-1") == ("matched", True, False)
    assert office.proposed() == [Decimal("120000.00")]


def test_nobody_decides_about_an_order_that_names_no_creator(office: Office) -> None:
    """Whoever answers may have created it; once the source names somebody else, the answer is taken."""
    books = office.books
    books.supplier()
    books.order("PO-1", 1, 100, 10, created_by=None)
    books.receive("PO-1", 1, 90)
    books.invoice("R-1", [("PO-1", 1, 90, 11)])
    office.night()
    with pytest.raises(psycopg.Error, match="nobody knows who did") as refusal:
        office.answer("buyer", "buyer")
    assert refusal.value.sqlstate == "BO403"
    books.order("PO-1", 1, 100, 10, version=2)
    office.night("night-2")
    office.answer("buyer", "buyer")
    assert office.act() == {"booked": 1, "stale": 0}


def test_an_answer_that_the_facts_overtook_is_void_and_fails_no_run(office: Office) -> None:
    """A buyer accepts a price; overnight the order changes again; the night ties, the answer books nothing, the buyer is asked anew."""
    books = office.books
    books.supplier()
    books.order("PO-1", 1, 100, 10)
    books.receive("PO-1", 1, 100)
    books.invoice("R-1", [("PO-1", 1, 100, 12)])
    office.night()
    office.answer("buyer", "buyer")
    books.order("PO-1", 1, 100, 11, version=2)
    office.night("night-2")
    assert office.failed_checks() == []
    assert office.act() == {"booked": 0, "stale": 1}
    assert office.proposed() == []
    office.night("night-3")
    assert office.failed_checks() == []
    assert office.cases() == [("buyer", "open")]
    case = open_cases(office.web)[0]
    decide(office.web, case, "buyer", "accept", key="a second look")
    assert office.act() == {"booked": 1, "stale": 0}
    assert office.proposed() == [Decimal("1440.00")]


def test_facts_that_nobody_compared_yet_are_not_paid_on_an_old_answer(office: Office) -> None:
    """A duplicate is accepted while a new version of its order waits for the match: booked, blocked until it was compared."""
    books = office.books
    books.supplier()
    books.order("PO-1", 1, 100, 10, match_type=2)
    books.order("PO-1", 2, 100, 10, match_type=2)
    books.invoice("R-1", [("PO-1", 1, 10, 10)])
    office.night()
    books.invoice("R-1", [("PO-1", 2, 10, 10)], payee_iban="DE2")
    office.night("night-1b")
    office.answer("ap_clerk", "clerk")
    books.open_run("night-2")
    books.order("PO-1", 2, 100, 5, version=2, match_type=2)
    books.accept()
    books.connection.commit()
    assert office.act()["booked"] == 1
    assert len(office.proposed()) == 1, "paid at a price that its order does not say any more"
    office.night()
    assert books.codes("R-1") == {"1": ["PRICE"]}
    assert len(office.proposed()) == 1


def test_an_effect_that_is_refused_for_good_holds_up_no_other(works: Works) -> None:
    """The receiver refuses one message: the others go out once, and each call says what is refused."""
    with works.scratch(works.empty) as database, works.at(database):
        with works.connect(database, "admin") as connection:
            connection.execute(
                "INSERT INTO ops.outbox (idempotency_key, destination, payload) VALUES ('a', 'supplier_message', '{}'), "
                "('b', 'nowhere', '{}'), ('c', 'supplier_message', '{\"supplier_id\": \"S1\", \"subject\": \"x\", \"body\": \"y\"}')"
            )
        for _ in range(2):
            result = run_operator("keep_house", "tidy")
            assert isinstance(result, BackofficeError), result
            assert "2 are refused" in str(result)
        assert works.books(database, "outbox")["outbox"][-1].endswith("True")
        assert works.one(database, "SELECT count(*) FROM ops.outbox WHERE sent_at IS NOT NULL") == 1
