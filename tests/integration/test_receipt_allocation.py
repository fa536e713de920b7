"""Which receipt covers which invoice line: rows that add up to both sides, named receipts first."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.books import Books
from tests.conftest import cloned_ledger

pytestmark = pytest.mark.integration

SUMS = """
WITH demand AS (
  SELECT l.order_line_id, sum(CASE i.kind WHEN 'credit_note' THEN -l.quantity ELSE l.quantity END) AS quantity
  FROM purchasing.invoice_line l JOIN purchasing.invoice i USING (invoice_id) GROUP BY l.order_line_id
), allocated AS (SELECT order_line_id, sum(quantity) AS quantity FROM ledger.receipt_allocation GROUP BY order_line_id)
SELECT o.po_number, greatest(least(d.quantity, o.received_quantity), 0), coalesce(a.quantity, 0)
FROM purchasing.order_line o JOIN demand d USING (order_line_id) LEFT JOIN allocated a USING (order_line_id)"""
ROWS = """
SELECT i.invoice_number, r.receipt_number, a.quantity FROM ledger.receipt_allocation a
JOIN purchasing.invoice_line l USING (invoice_line_id) JOIN purchasing.invoice i USING (invoice_id)
JOIN purchasing.receipt_line r ON r.receipt_line_id = a.receipt_line_id ORDER BY 1, 2"""


@pytest.fixture
def books(ledger):
    with ledger.connect("app") as connection:
        yield Books(connection).open_run()


def at(hour: int) -> datetime:
    return datetime(2026, 11, 18, hour, tzinfo=UTC)


def rows(books: Books) -> list[tuple[str, str, int]]:
    """Invoice, receipt and quantity of each allocation."""
    found = books.connection.execute(ROWS).fetchall()
    return [(invoice, receipt, int(quantity)) for invoice, receipt, quantity in found]


def test_first_in_first_out(books):
    """60 and 40 received, 50 and 45 billed: the second invoice takes 10 of the first receipt and 35 of the second."""
    books.supplier()
    books.order("PO-1", 1, 100, 10)
    books.receive("PO-1", 1, 60, "GR-1", received_at=at(7))
    books.receive("PO-1", 1, 40, "GR-2", received_at=at(8))
    books.invoice("R-1", [("PO-1", 1, 50, 10)], invoice_date=date(2026, 11, 16))
    books.invoice("R-2", [("PO-1", 1, 45, 10)], invoice_date=date(2026, 11, 17))
    books.night()
    assert rows(books) == [("R-1", "GR-1", 50), ("R-2", "GR-1", 10), ("R-2", "GR-2", 35)]


def test_a_named_receipt_binds_first(books):
    """The earlier invoice names no receipt and gets what the later one's named receipt leaves."""
    books.supplier()
    books.order("PO-1", 1, 100, 10, gr_based=True)
    books.receive("PO-1", 1, 60, "GR-1", received_at=at(7))
    books.receive("PO-1", 1, 40, "GR-2", received_at=at(8))
    books.invoice("R-1", [("PO-1", 1, 50, 10)], invoice_date=date(2026, 11, 16))
    books.invoice("R-2", [("PO-1", 1, 45, 10, {"receipt_number": "GR-1"})], invoice_date=date(2026, 11, 17))
    books.night()
    assert rows(books) == [("R-1", "GR-1", 15), ("R-1", "GR-2", 35), ("R-2", "GR-1", 45)]


def test_a_reversed_receipt_covers_nothing(books):
    """The allocation goes when the receipt is reversed, and comes back with the next one."""
    books.supplier()
    books.order("PO-1", 1, 100, 10)
    books.receive("PO-1", 1, 40, "GR-1", received_at=at(7))
    books.invoice("R-1", [("PO-1", 1, 40, 10)])
    books.night()
    assert rows(books) == [("R-1", "GR-1", 40)]
    books.open_run("night-2")
    books.receive("PO-1", 1, -40, "GR-2", reverses_number="GR-1", reverses_line="1", received_at=at(9))
    books.night()
    assert rows(books) == []
    books.open_run("night-3")
    books.receive("PO-1", 1, 30, "GR-3", received_at=at(10))
    books.night()
    assert rows(books) == [("R-1", "GR-3", 30)]


QUANTITY = st.integers(1, 30)
MOVES = st.lists(st.one_of(QUANTITY, st.integers(-12, -1)), max_size=5)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    received=MOVES, billed=st.lists(st.tuples(QUANTITY, st.booleans(), st.booleans()), min_size=1, max_size=5)
)
def test_allocations_add_up_to_the_smaller_side(postgres, ledger_template, received, billed):
    """Whatever is received, returned, billed and credited: as much is allocated as both sides have, and no line twice."""
    with cloned_ledger(postgres, ledger_template) as ledger, ledger.connect("app") as connection:
        books = Books(connection).open_run()
        books.supplier()
        books.order("PO-1", 1, 1000, 10)
        for number, quantity in enumerate(received):
            books.receive("PO-1", 1, quantity, f"GR-{number}", received_at=at(number + 1))
        for number, (quantity, credit, named) in enumerate(billed):
            kind = "credit_note" if credit else "invoice"
            more = {"receipt_number": "GR-0"} if named else {}
            books.invoice(f"R-{number}0{number}", [("PO-1", 1, quantity, 10, more)], kind=kind)
        books.night()
        over = connection.execute(
            "SELECT count(*) FROM (SELECT sum(a.quantity) AS q, l.quantity FROM ledger.receipt_allocation a "
            "JOIN purchasing.invoice_line l USING (invoice_line_id) GROUP BY l.invoice_line_id HAVING sum(a.quantity) > l.quantity) x"
        ).fetchone()
        excess = connection.execute(
            "SELECT count(*) FROM ledger.hold WHERE code = 'CREDIT_EXCESS'"
        ).fetchone()
        assert over == (0,)
        for _, smaller_side, allocated in connection.execute(SUMS).fetchall():
            # credit notes in excess credit nothing
            assert allocated >= smaller_side if excess[0] else allocated == smaller_side
            assert allocated <= max(sum(received), Decimal(0))
