"""A discount goes from the document to its case, where people see it, and changes nothing that is matched or booked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest
from tests.books import Books
from tests.conftest import Ledger
from tests.integration.posting.desk import Desk

pytestmark = pytest.mark.integration
TERMS = {"discount_date": date(2026, 11, 22), "discount_percent": Decimal("2.5")}


@pytest.fixture
def desk(ledger: Ledger) -> Iterator[Desk]:
    with (
        ledger.connect("admin", autocommit=True) as admin,
        ledger.connect("app") as app,
        ledger.connect("web", autocommit=True) as web,
    ):
        books = Books(app).open_run()
        books.supplier()
        books.order("PO-1", 1, 100, 10)
        books.order("PO-1", 2, 100, 10)
        books.receive("PO-1", 1, 100)
        books.receive("PO-1", 2, 100)
        yield Desk(books, web, admin)


def test_the_case_says_until_when_a_discount_is_given(desk: Desk) -> None:
    desk.books.invoice("R-1", [("PO-1", 1, 100, 20)], **TERMS)
    desk.books.invoice("R-2", [("PO-1", 2, 100, 20)])
    desk.books.night()
    desk.books.connection.commit()
    told = {
        number: rest
        for number, *rest in desk.admin.execute(
            "SELECT i.invoice_number, i.discount_date, i.discount_percent, c.discount_date, c.discount_percent, c.handover #>> '{document,discount_date}', "
            "c.handover #>> '{document,discount_percent}' FROM review.case c JOIN purchasing.invoice i ON i.invoice_id = c.subject_id"
        )
    }
    day, percent = TERMS.values()
    assert told["R-1"] == [day, percent, day, percent, "2026-11-22", "2.5"]
    assert told["R-2"] == [None] * 6


def test_nothing_is_matched_or_booked_otherwise(desk: Desk) -> None:
    desk.books.invoice("R-1", [("PO-1", 1, 50, 10)], **TERMS)
    desk.books.invoice("R-2", [("PO-1", 2, 50, 10)])
    desk.books.night()
    desk.books.connection.commit()
    assert desk.books.status("R-1") == desk.books.status("R-2")
    booked = {
        number: desk.admin.execute(
            "SELECT l.account, l.debit, l.credit FROM ledger.journal_entry e JOIN ledger.journal_line l USING (entry_id) "
            "JOIN purchasing.invoice i USING (invoice_id) WHERE i.invoice_number = %s ORDER BY e.entry_id, l.line_no",
            (number,),
        ).fetchall()
        for number in ("R-1", "R-2")
    }
    assert booked["R-1"] == booked["R-2"] != []
