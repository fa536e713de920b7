"""What was booked without an order line moves to GR/IR when its line is known, and leaves nothing behind in any order."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from tests.books import cents
from tests.integration.posting.desk import GR_IR, Desk

pytestmark = pytest.mark.integration


def unmatched(desk: Desk) -> Decimal:
    return desk.balance("Unmatched purchases")


def gr_ir(desk: Desk) -> list[tuple[Any, ...]]:
    return desk.rows(
        "SELECT received_quantity, received_value, billed_quantity, billed_value FROM ledger.gr_ir ORDER BY 1"
    )


STEPS = ("line", "receipt", "other invoice")


@pytest.mark.parametrize("order", list(permutations(STEPS)), ids=", ".join)
@pytest.mark.parametrize("price", ["10", "9.335"])
def test_a_line_that_arrives_after_its_invoice(desk: Desk, order: tuple[str, ...], price: str) -> None:
    """Billed 7 before the line is known and 3 by another invoice; received 10: GR/IR ends at zero, whatever comes when."""
    desk.order(9)
    desk.books.invoice("R-1", [("PO-1", 1, 7, price)])
    desk.night()
    net = cents(7 * Decimal(price))
    assert unmatched(desk) == net
    for number, step in enumerate(order):
        if step == "line":
            desk.order(1, "9.335")
        elif step == "receipt":
            desk.books.receive("PO-1", 1, 10)
        else:
            desk.books.invoice("R-2", [("PO-1", 1, 3, "9.335")])
        desk.night(f"night-{number}")
    assert unmatched(desk) == 0
    assert desk.balance(GR_IR) == 0
    assert gr_ir(desk)[-1] == (10, Decimal("93.35"), 10, Decimal("93.35"))
    assert desk.one("SELECT count(*) FROM ledger.journal_entry WHERE event = 'reclassification'") >= 1
    assert desk.failed_checks() == []
    before = desk.one("SELECT count(*) FROM ledger.journal_entry")
    desk.night("one more")
    assert desk.one("SELECT count(*) FROM ledger.journal_entry") == before


@pytest.mark.parametrize("received", ["before", "after"])
def test_a_unit_factor_that_arrives_after_the_invoice(desk: Desk, received: str) -> None:
    """Two boxes of ten, at 10.00 a piece; nobody had said that a box holds ten."""
    desk.order()
    if received == "before":
        desk.books.receive("PO-1", 1, 20)
    desk.books.invoice("R-1", [("PO-1", 1, 2, 100, {"uom": "XBX"})])
    desk.night()
    assert unmatched(desk) == Decimal("200.00")
    desk.admin.execute("INSERT INTO purchasing.uom_factor VALUES ('XBX', 'EA', '*', 10, 1)")
    desk.order(version=2)
    desk.night("night-2")
    if received == "after":
        desk.books.receive("PO-1", 1, 20)
        desk.night("night-3")
    assert (unmatched(desk), desk.balance(GR_IR)) == (0, 0)
    assert gr_ir(desk) == [(20, Decimal("200.00"), 20, Decimal("200.00"))]
    assert desk.proposed() == [Decimal("240.00")]
    assert desk.failed_checks() == []


def test_a_credit_note_moves_back(desk: Desk) -> None:
    desk.order(9)
    desk.books.invoice("R-1", [("PO-1", 1, 10, 10)])
    desk.night()
    desk.books.credit_note("C-1", [("PO-1", 1, 4, 10)])
    desk.night("night-2")
    desk.order()
    desk.books.receive("PO-1", 1, 6)
    desk.night("night-3")
    assert (unmatched(desk), desk.balance(GR_IR)) == (0, 0)
    assert gr_ir(desk) == [(6, Decimal("60.00"), 6, Decimal("60.00"))]


def test_the_transfer_is_reversed_with_its_invoice(desk: Desk) -> None:
    """The line arrives with a lower price: the difference is price variance; the buyer refuses, and nothing stays."""
    desk.order(9)
    desk.books.invoice("R-1", [("PO-1", 1, 10, 20), ("PO-1", 8, 1, 5)])
    desk.night()
    desk.order(1, 10)
    desk.night("night-2")
    assert unmatched(desk) == Decimal("5.00")
    assert desk.balance("Purchase price variance") == Decimal("100.00")
    desk.says("buyer", "reject")
    assert desk.act() == {"booked": 1, "stale": 0}
    assert (
        desk.rows(
            "SELECT a.name, sum(l.debit - l.credit) FROM ledger.journal_line l JOIN ledger.account a USING (account) GROUP BY 1 HAVING sum(l.debit - l.credit) <> 0"
        )
        == []
    )
    assert gr_ir(desk) == [(0, 0, 0, 0)]
    assert desk.failed_checks() == []
    desk.night("night-3")
    assert desk.one("SELECT count(*) FROM ledger.journal_entry") == 4


def test_a_rejected_invoice_stays_where_it_is(desk: Desk) -> None:
    """Rejected before its line arrives, its quantity is nobody's."""
    desk.order(9)
    desk.books.invoice("R-1", [("PO-1", 1, 10, 10)])
    desk.night()
    desk.says("buyer", "reject")
    desk.act()
    desk.order()
    desk.night("night-2")
    assert gr_ir(desk) == []
    assert desk.one("SELECT count(*) FROM ledger.journal_entry") == 2


def test_a_line_of_another_supplier_is_not_moved(desk: Desk) -> None:
    desk.order(9)
    desk.books.invoice("R-1", [("PO-1", 1, 10, 10)])
    desk.night()
    desk.books.supplier("S2")
    desk.order(1, supplier_id="S2")
    desk.night("night-2")
    assert unmatched(desk) == Decimal("100.00")
    assert desk.books.codes("R-1") == {"1": ["SUPPLIER_MISMATCH"]}
