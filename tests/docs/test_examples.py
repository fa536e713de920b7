"""The examples with numbers in the reference are what a real ledger does."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from tests.answering import decide, open_cases
from tests.books import Books
from tests.docs.pages import marked_table, marks, page

pytestmark = pytest.mark.integration

JOURNAL, MATCHING = page("docs/reference/journal.md"), page("docs/reference/matching.md")
GR_IR = "Goods received / invoices received (GR/IR)"


@pytest.fixture
def books(ledger):
    with ledger.connect("app") as connection:
        books = Books(connection).open_run()
        books.supplier()
        yield books


# -- journal ---------------------------------------------------------------------------------------------------------


def _agree(books: Books, ledger: Any) -> None:
    books.order("PO-1", 1, 100, 10)
    books.receive("PO-1", 1, 90)
    books.invoice("R-1", [("PO-1", 1, 90, 10)])
    books.night()


def _above(books: Books, ledger: Any) -> None:
    books.order("PO-1", 1, 100, 10)
    books.receive("PO-1", 1, 90)
    books.invoice("R-1", [("PO-1", 1, 90, 11)])
    books.night()
    assert books.codes("R-1") == {"1": ["PRICE"]}


def _below(books: Books, ledger: Any) -> None:
    books.order("PO-1", 1, 100, 10)
    books.receive("PO-1", 1, 90)
    books.invoice("R-1", [("PO-1", 1, 90, 9)])
    books.night()
    assert books.codes("R-1") == {}


def _more(books: Books, ledger: Any) -> None:
    books.order("PO-1", 1, 100, 10)
    books.receive("PO-1", 1, 90)
    books.invoice("R-1", [("PO-1", 1, 100, 10)])
    books.night()
    assert books.codes("R-1") == {"1": ["QTY_REC"]}
    books.open_run("night-2")
    books.receive("PO-1", 1, 10)
    books.night()
    assert books.status("R-1") == ("matched", True, False)


def _credit(books: Books, ledger: Any) -> None:
    books.order("PO-1", 1, 100, 10)
    books.receive("PO-1", 1, 100)
    books.invoice("R-1", [("PO-1", 1, 100, 10)])
    books.night()
    books.open_run("night-2")
    books.receive("PO-1", 1, -10)
    books.credit_note("C-1", [("PO-1", 1, 10, 10)])
    books.night()


def _no_line(books: Books, ledger: Any) -> None:
    books.order("PO-1", 1, 100, 10)
    books.invoice("R-1", [("PO-1", 7, 10, 10)])
    books.night()
    assert books.codes("R-1") == {"1": ["LINE_UNMATCHED"]}


def _found_later(books: Books, ledger: Any) -> None:
    _no_line(books, ledger)
    books.open_run("night-2")
    books.order("PO-1", 7, 100, 9)
    books.receive("PO-1", 7, 10)
    books.night()
    assert books.codes("R-1") == {"1": ["PRICE"]}


def _due(books: Books, ledger: Any) -> None:
    with ledger.connect("admin") as admin:
        admin.execute("UPDATE ledger.tolerance SET up_abs = 0.05 WHERE code = 'TOTAL_ARITH'")
    books.order("PO-1", 1, 100, 10)
    books.receive("PO-1", 1, 90)
    books.invoice("R-1", [("PO-1", 1, 90, 10)], payable_total=Decimal("1080.01"))
    books.night()


def _rejected(books: Books, ledger: Any) -> None:
    _above(books, ledger)
    books.connection.commit()
    with ledger.connect("web") as web:
        [case] = open_cases(web)
        decide(web, case, "buyer", "reject")
    books.connection.execute(
        "SELECT review.book_answers(%s, 'invoice_reconciliation')", (books.run_id,)
    ).fetchall()


EXAMPLES: dict[str, Callable[[Books, Any], None]] = {
    "receipt and invoice agree": _agree,
    "price above the order": _above,
    "price below the order": _below,
    "more billed than received": _more,
    "return and credit note": _credit,
    "no such order line": _no_line,
    "order line found later": _found_later,
    "due differs within its limit": _due,
    "rejected after booking": _rejected,
}


def test_every_journal_example_is_tested() -> None:
    assert set(marks(JOURNAL)) - {"accounts"} == EXAMPLES.keys()


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_journal_example_is_what_is_booked(name, books, ledger) -> None:
    EXAMPLES[name](books, ledger)
    booked = books.connection.execute(
        "SELECT e.event, a.name, l.debit, l.credit FROM ledger.journal_entry e JOIN ledger.journal_line l USING (entry_id) "
        "JOIN ledger.account a USING (account)"
    ).fetchall()
    shown = [
        (
            row["event"],
            GR_IR if row["account"] == "GR/IR" else row["account"],
            Decimal(row["debit"] or 0),
            Decimal(row["credit"] or 0),
        )
        for row in marked_table(JOURNAL, name).rows
    ]
    assert sorted(shown) == sorted(booked)


# -- matching --------------------------------------------------------------------------------------------------------

BOUNDARIES = marked_table(MATCHING, "examples").rows


def _billed(cell: str) -> tuple[str, str]:
    found = re.fullmatch(r"([0-9.]+) @ ([0-9.]+)", cell)
    assert found, cell
    return found[1], found[2]


@pytest.mark.parametrize("row", BOUNDARIES, ids=lambda row: " ".join(row.values()).replace("@", "at"))
def test_a_boundary_is_judged_as_shown(row, books) -> None:
    books.order("PO-1", 1, row["ordered"], 10)
    if row["received"] != "0":
        books.receive("PO-1", 1, row["received"])
    if row["billed before"]:
        books.invoice("R-0", [("PO-1", 1, *_billed(row["billed before"]))])
    books.invoice("R-1", [("PO-1", 1, *_billed(row["this invoice"]))])
    books.match()
    expected = {} if row["codes"] == "none" else {"1": row["codes"].split(", ")}
    assert books.codes("R-1") == expected
    assert books.codes("R-0") == {}
