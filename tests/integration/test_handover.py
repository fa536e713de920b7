"""What a case hands over: the entry that is booked is the one that was shown, changes are marked and named, evidence is there."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg import errors
from tests.answering import decide, open_cases
from tests.books import Books
from tests.conftest import BUSINESS_DATE, Ledger
from tests.integration.posting.desk import Desk
from tests.seeded_cases import write_seeded_cases

pytestmark = pytest.mark.integration

BOOKED = """
SELECT e.event, l.account, a.name, l.debit::text, l.credit::text, l.currency, l.purpose
FROM ledger.journal_entry e JOIN ledger.journal_line l USING (entry_id) JOIN ledger.account a USING (account)
WHERE e.invoice_id = %s AND e.entry_id > %s ORDER BY e.entry_id, l.line_no
"""


@pytest.fixture
def desk(ledger: Ledger) -> Iterator[Desk]:
    with (
        ledger.connect("admin", autocommit=True) as admin,
        ledger.connect("app") as app,
        ledger.connect("web", autocommit=True) as web,
    ):
        books = Books(app).open_run()
        books.supplier()
        yield Desk(books, web, admin)


def handover(desk: Desk, number: str, role: str | None = None) -> dict[str, Any]:
    return desk.one(
        "SELECT c.handover FROM review.case c JOIN purchasing.invoice i ON i.invoice_id = c.subject_id WHERE i.invoice_number = %s AND c.role = coalesce(%s, c.role) ORDER BY c.case_id DESC LIMIT 1",
        number,
        role,
    )


def shown(told: dict[str, Any], action: str) -> list[tuple[str, ...]]:
    return [
        (
            entry["event"],
            *(line[key] for key in ("account", "name", "debit", "credit", "currency", "purpose")),
        )
        for entry in told["entries"][action]
        for line in entry["lines"]
    ]


def book(desk: Desk) -> None:
    desk.books.connection.execute(
        "SELECT booked FROM review.book_answers(%s, 'invoice_reconciliation')", (desk.books.run_id,)
    )
    desk.books.connection.commit()


def decide_and_compare(desk: Desk, number: str, action: str, user: str) -> list[tuple[str, ...]]:
    """Decide one case, book the answer, and compare what was booked with what was shown."""
    invoice = desk.one("SELECT invoice_id FROM purchasing.invoice WHERE invoice_number = %s", number)
    before = desk.one("SELECT coalesce(max(entry_id), 0) FROM ledger.journal_entry")
    told = shown(handover(desk, number), action)
    key = desk.one("SELECT subject_key FROM review.case WHERE subject_id = %s AND state = 'open'", invoice)
    case = next(case for case in open_cases(desk.web) if case["subject_key"] == key)
    decide(desk.web, case, user, action)
    book(desk)
    booked = [tuple(row) for row in desk.rows(BOOKED, invoice, before)]
    assert booked == told
    return booked


def night(desk: Desk) -> None:
    desk.books.night()
    desk.books.connection.commit()


def test_an_accepted_repetition_is_booked_as_shown(desk: Desk) -> None:
    """Not booked before: the entry comes from a rehearsal of the booking itself."""
    desk.order()
    desk.books.receive("PO-1", 1, 100)
    desk.books.invoice("R-1", [("PO-1", 1, 40, 10)])
    night(desk)
    desk.books.open_run("night-2")
    desk.books.invoice("R 1", [("PO-1", 1, 30, 10)], invoice_date=BUSINESS_DATE.replace(day=19))
    desk.books.invoice("R.1", [("PO-1", 1, 40, 10)], invoice_date=BUSINESS_DATE)
    night(desk)
    assert desk.one("SELECT count(*) FROM review.case WHERE state = 'open'") == 2
    booked = decide_and_compare(desk, "R.1", "accept", "clerk")
    assert [line[2] for line in booked] == [
        "Goods received / invoices received (GR/IR)",
        "Input VAT",
        "Accounts payable",
    ]
    # the other one shares the order line: what was booked meanwhile is in what its case shows now
    assert handover(desk, "R 1")["gathered_at"]


def test_the_rehearsal_leaves_nothing_behind(desk: Desk) -> None:
    desk.order()
    desk.books.receive("PO-1", 1, 100)
    desk.books.invoice("R-1", [("PO-1", 1, 40, 10)])
    night(desk)
    desk.books.open_run("night-2")
    desk.books.invoice("R 1", [("PO-1", 1, 40, 10)], invoice_date=BUSINESS_DATE)
    night(desk)
    assert shown(handover(desk, "R 1"), "accept")
    assert desk.books.status("R 1")[1] is False
    assert (
        desk.one(
            "SELECT count(*) FROM ledger.journal_entry e JOIN purchasing.invoice i USING (invoice_id) WHERE i.invoice_number = 'R 1'"
        )
        == 0
    )
    assert (
        desk.one(
            "SELECT count(*) FROM audit.record WHERE convert_from(body, 'UTF8') LIKE '%%' || encode((SELECT content_hash FROM purchasing.invoice WHERE invoice_number = 'R 1'), 'hex') || '%%' AND convert_from(body, 'UTF8') LIKE '%%journal entry%%'"
        )
        == 0
    )
    assert desk.one("SELECT billed_quantity FROM ledger.gr_ir") == Decimal(40)


def test_a_rejected_booked_invoice_is_reversed_as_shown(desk: Desk) -> None:
    desk.order()
    desk.books.receive("PO-1", 1, 90)
    desk.books.invoice("R-1", [("PO-1", 1, 90, 11)])
    night(desk)
    booked = decide_and_compare(desk, "R-1", "reject", "buyer")
    assert (
        "reversal",
        "4960",
        "Purchase price variance",
        "0.00",
        "90.00",
        "EUR",
        "reversal: price variance",
    ) in booked


def test_accepting_what_is_booked_shows_and_books_no_entry(desk: Desk) -> None:
    desk.order()
    desk.books.receive("PO-1", 1, 90)
    desk.books.invoice("R-1", [("PO-1", 1, 90, 11)])
    night(desk)
    assert decide_and_compare(desk, "R-1", "accept", "buyer") == []


def test_what_is_booked_on_the_line_meanwhile_renews_the_shown_entry(desk: Desk) -> None:
    """Two repetitions on one order line: the first one accepted moves what the second one's entry would be."""
    desk.books.order("PO-1", 1, 100, 10)
    desk.books.receive("PO-1", 1, 50)
    desk.books.invoice("R-1", [("PO-1", 1, 10, 10)])
    night(desk)
    desk.books.open_run("night-2")
    desk.books.order("PO-1", 1, 100, 12, version=2)
    desk.books.invoice("R 1", [("PO-1", 1, 10, 10)], invoice_date=BUSINESS_DATE.replace(day=19))
    desk.books.invoice(
        "R.1", [("PO-1", 1, 30, 10)], invoice_date=BUSINESS_DATE.replace(day=18), due_date=BUSINESS_DATE
    )
    night(desk)
    for number in ("R 1", "R.1"):
        if desk.one(
            "SELECT count(*) FROM review.case c JOIN purchasing.invoice i ON i.invoice_id = c.subject_id WHERE i.invoice_number = %s AND c.state = 'open'",
            number,
        ):
            decide_and_compare(desk, number, "accept", "clerk")


def test_every_seeded_case_books_what_it_showed(ledger: Ledger) -> None:
    """Thirty cases decided one after the other: accepted where that is right, the rest rejected."""
    with (
        ledger.connect("admin", autocommit=True) as admin,
        ledger.connect("app") as app,
        ledger.connect("web", autocommit=True) as web,
    ):
        answers = write_seeded_cases(app, BUSINESS_DATE)
        run_id = app.execute("SELECT max(run_id) FROM ops.run").fetchone()[0]
        books = Books(app, run_id)
        desk = Desk(books, web, admin)
        booked = 0
        for answer in answers:
            booked += len(decide_and_compare(desk, answer.number, answer.actions[0], "manager"))
        assert booked > 40
        # what is left is the other role's case of a document that one role accepted
        assert desk.one(
            "SELECT count(*) FROM review.answer WHERE booking_result IN ('accepted', 'rejected')"
        ) == len(answers)
        assert (
            desk.one(
                "SELECT count(*) FROM review.case c WHERE c.state = 'decided' OR c.state = 'open' AND NOT EXISTS (SELECT FROM review.case o WHERE o.subject_id = c.subject_id AND o.state = 'settled')"
            )
            == 0
        )


def test_an_answer_on_stale_facts_is_refused_with_what_changed(desk: Desk) -> None:
    desk.order()
    desk.books.receive("PO-1", 1, 90)
    desk.books.invoice("R-1", [("PO-1", 1, 100, 10)])
    night(desk)
    seen = open_cases(desk.web)[0]
    desk.books.open_run("night-2")
    desk.books.receive("PO-1", 1, 4)
    desk.books.match()
    desk.books.connection.commit()
    # compared anew, and no run has looked at the case again
    with pytest.raises(errors.Error) as refused:
        decide(desk.web, seen, "buyer", "accept")
    assert refused.value.sqlstate == "BO409"
    assert "Billed more than received (line 1): received 90, now 94" in str(refused.value)
    night(desk)
    with pytest.raises(errors.Error) as refused:
        decide(desk.web, seen, "buyer", "accept", key="again-later")
    assert "received 90, now 94" in str(refused.value)
    told = handover(desk, "R-1")
    assert {(one["fact"], one["before"], one["now"]) for one in told["changed"]} >= {
        ("received", "90", "94"),
        ("measured", "10", "6"),
    }
    decide(desk.web, open_cases(desk.web)[0], "buyer", "accept", key="on the facts of now")


def test_the_timeline_tells_versions_receipts_returns_and_documents(desk: Desk) -> None:
    desk.order()
    desk.books.receive("PO-1", 1, 50)
    desk.books.invoice("R-0", [("PO-1", 1, 50, 10)], invoice_date=BUSINESS_DATE.replace(day=10))
    night(desk)
    desk.books.open_run("night-2")
    desk.order(price=9, version=2)
    desk.books.receive("PO-1", 1, -5)
    desk.books.credit_note("C-1", [("PO-1", 1, 5, 10)])
    desk.books.invoice("R-1", [("PO-1", 1, 50, 10)])
    night(desk)
    told = handover(desk, "R-1")
    what = [event["what"] for event in told["timeline"][0]["events"]]
    assert sorted(what) == [
        "billed",
        "credited",
        "order changed",
        "ordered",
        "received",
        "returned",
        "this invoice",
    ]
    assert {one["hypothesis"] for one in told["hypotheses"]} >= {"older_order_price", "receipt_cancelled"}
    assert told["sources"]["1"]["order"]["version"] == "2"
    assert told["failed_step"]["step"] == "matched"


def test_earlier_cases_of_the_supplier_are_counted_by_code_and_outcome(desk: Desk) -> None:
    for turn in range(2):
        desk.books.order(f"PO-{turn}", 1, 100, 10)
        desk.books.receive(f"PO-{turn}", 1, 90)
        desk.books.invoice(f"R-{turn}", [(f"PO-{turn}", 1, 90, 11)])
        night(desk)
        told = handover(desk, f"R-{turn}")
        if turn == 0:
            assert told["similar"] == {}
            decide(desk.web, open_cases(desk.web)[0], "buyer", "reject")
            book(desk)
            desk.books.open_run("night-2")
    assert told["similar"]["counts"] == [{"code": "PRICE", "outcome": "reject", "cases": 1}]
    assert [(one["role"], one["reason_code"], one["outcome"]) for one in told["similar"]["last"]] == [
        ("buyer", "not_ordered", "reject")
    ]
    assert "p-buyer" not in str(told["similar"])


def test_a_missing_account_is_told_and_stops_no_night(desk: Desk) -> None:
    desk.order()
    desk.books.receive("PO-1", 1, 100)
    desk.books.invoice("R-1", [("PO-1", 1, 40, 10)])
    night(desk)
    desk.admin.execute("DELETE FROM ledger.account_role WHERE role = 'input_vat'")
    desk.books.open_run("night-2")
    desk.books.invoice("R 1", [("PO-1", 1, 40, 10)], invoice_date=BUSINESS_DATE)
    night(desk)
    (entry,) = handover(desk, "R 1")["entries"]["accept"]
    assert "input_vat" in entry["note"]
    assert entry["lines"] == []


def test_a_booked_entry_takes_no_further_line_within_a_savepoint_either(ledger: Ledger, desk: Desk) -> None:
    desk.order()
    desk.books.receive("PO-1", 1, 100)
    night(desk)
    late = "INSERT INTO ledger.journal_line SELECT entry_id, 100 + line_no, account, debit, credit, currency, ledger_debit, ledger_credit, order_line_id, supplier_id, purpose FROM ledger.journal_line"
    with ledger.connect("admin") as connection:
        connection.execute("SELECT pg_current_xact_id()")
        with pytest.raises(psycopg.Error, match="takes no further line"), connection.transaction():
            connection.execute(late)
        connection.rollback()
        with pytest.raises(psycopg.Error, match="takes no further line"):
            connection.execute(late)
