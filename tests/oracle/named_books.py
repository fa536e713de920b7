"""Books written for one rule each, with the codes worked by hand.

They hold what random books meet too seldom to rely on. The codes of a document stand under its name, those of
a line under name and position; a document of one line has all under its name. What is not named has none.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from tests.oracle.book import Totals, UomFactor
from tests.oracle.named_credits import CREDITS
from tests.oracle.named_prices import PRICES
from tests.oracle.named_unevaluable import UNEVALUABLE
from tests.oracle.one_order import (
    ORDER,
    SERVICE,
    Named,
    a_book,
    billed,
    credited,
    limit,
    of_lines,
    of_tax,
    priced,
    received,
    with_orders,
)
from tests.oracle.writing import write_line

QUANTITIES: Named = {
    "a hundred billed, ninety received": (
        a_book(billed("A", "100"), receipts=(received("90"),)),
        {"A": {"QTY_REC"}},
    ),
    "three of forty on a hundred": (
        a_book(*(billed(ref, "40", day=day) for day, ref in enumerate("ABC", 1))),
        {"C": {"QTY_ORD", "QTY_REC"}},
    ),
    "two lines of one document together": (
        a_book(of_lines("A", write_line("60", "10"), write_line("60", "10"))),
        {"A 1": {"QTY_ORD", "QTY_REC"}, "A 2": {"QTY_ORD", "QTY_REC"}},
    ),
    "a third of an order unit, three times": (
        a_book(
            of_lines("A", *[priced("3.33", "1", uom="SET")] * 3),
            **with_orders(replace(ORDER, quantity=Decimal(1))),
            receipts=(received("1"),),
            factors=(UomFactor(from_uom="SET", to_uom="EA", numerator=1, denominator=3),),
        ),
        {},
    ),
    "booked comes first, then date": (
        a_book(
            billed("A", "60", day=1),
            billed("B", "60", day=2, booking_no=9),
            billed("C", "30", day=9, booking_no=2),
        ),
        {"A": {"QTY_ORD", "QTY_REC"}},
    ),
    "returned in full": (
        a_book(billed("A", "1"), receipts=(received("5"), received("-5"))),
        {"A": {"NO_RECEIPT"}},
    ),
    "waits for its receipt": (
        a_book(billed("A", "1"), **with_orders(replace(ORDER, gr_based=True)), receipts=()),
        {"A": {"NO_RECEIPT"}},
    ),
    "small values need no receipt": (
        a_book(
            billed("A", "5"),
            billed("B", "0.0001", day=2),
            receipts=(),
            limits=(limit("NO_RECEIPT", None, "50"),),
        ),
        {"B": {"NO_RECEIPT"}},
    ),
    "no two-way receipt": (
        a_book(billed("A", "100"), receipts=(), **with_orders(replace(ORDER, match_type=2))),
        {},
    ),
    "received value": (
        a_book(
            billed("A", "1", "100"),
            billed("B", "1", "0.01", day=2),
            **with_orders(SERVICE),
            receipts=(received("1", "60"), received("2", "40")),
        ),
        {"B": {"AMT_REC"}},
    ),
    "a receipt of unknown value leaves no tolerance": (
        a_book(
            billed("A", "1", "60"),
            billed("B", "1", "1", day=2),
            **with_orders(SERVICE),
            receipts=(received("1", "60"), received("2")),
            limits=(limit("AMT_REC", "50", "50"),),
        ),
        {"B": {"AMT_REC"}},
    ),
    "an unchecked value stays unchecked": (
        a_book(
            billed("A", "1", "100"),
            **with_orders(SERVICE),
            receipts=(received("1"),),
            limits=(limit("AMT_REC"),),
        ),
        {},
    ),
    "nothing received, by value": (
        a_book(billed("A", "1", "60"), **with_orders(SERVICE), receipts=()),
        {"A": {"NO_RECEIPT"}},
    ),
    # 60.00 - 60.00 received: nothing is left, and what is bound to its receipt is parked
    "returned in full, by value": (
        a_book(
            billed("A", "1", "60"),
            **with_orders(replace(SERVICE, gr_based=True)),
            receipts=(received("1", "60"), received("-1", "-60")),
        ),
        {"A": {"NO_RECEIPT"}},
    ),
}

# what becomes of posted documents when their order changes: what is posted stays billed
POSTED: Named = {
    # 60 + 60 = 120 of 100
    "posted before the order went to another supplier": (
        a_book(billed("A", "60", supplier_id="S2", group="G2", booking_no=1), billed("B", "60", day=2)),
        {"A": {"SUPPLIER_MISMATCH"}, "B": {"QTY_ORD", "QTY_REC"}},
    ),
    "in process for another supplier than the order's": (
        a_book(billed("A", "60", supplier_id="S2", group="G2"), billed("B", "60", day=2)),
        {"A": {"SUPPLIER_MISMATCH"}},
    ),
    # A is judged: 101 of 100; B is stopped at the gate
    "posted before the order was closed": (
        a_book(
            billed("A", "101", booking_no=1),
            billed("B", "1", day=2),
            **with_orders(replace(ORDER, closed=True)),
        ),
        {"A": {"QTY_ORD", "QTY_REC"}, "B": {"PO_CLOSED"}},
    ),
    # A is posted and can be credited
    "posted before the order lost its approval": (
        a_book(
            billed("A", "10", booking_no=1),
            credited("C", "10", booking_no=2),
            billed("B", "1", day=2),
            **with_orders(replace(ORDER, approved=False)),
        ),
        {ref: {"PO_NOT_APPROVED"} for ref in "ABC"},
    ),
}


def prepaid_in_full(quantity: str, prepaid: str) -> Totals:
    """Totals of a line at 10.00 with 20 % tax of which this was prepaid and nothing is payable."""
    return replace(billed("X", quantity).totals, prepaid=Decimal(prepaid), payable=Decimal(0))


DOCUMENTS: Named = {
    "an exact duplicate does not count": (
        a_book(billed("A", "60", number="7"), billed("B", "60", number="007", day=2)),
        {"B": {"DUP_EXACT"}},
    ),
    "a booked duplicate counts": (
        a_book(
            billed("A", "60", number="7", booking_no=1),
            billed("B", "60", number="007", booking_no=2),
            billed("C", "1", day=9),
        ),
        {"B": {"DUP_EXACT", "QTY_ORD", "QTY_REC"}, "C": {"QTY_ORD", "QTY_REC"}},
    ),
    "a duplicate serves as the earlier one": (
        a_book(
            billed("A", "1", number="7", content_hash=b"\x01" * 32),
            billed("B", "2", number="7", content_hash=b"\x02" * 32),
            billed("C", "2", number="7", day=5),
        ),
        {"B": {"DUP_EXACT"}, "C": {"DUP_EXACT"}},
    ),
    "numbers that read the same, or are swapped": (
        a_book(
            billed("A", "1", number="INV-1001", day=1),
            billed("B", "2", number="1NV-IOO1", day=2),
            billed("C", "3", number="INV-1010", day=1),
            billed("D", "4", number="INV-1100", day=9),
            billed("E", "5", number="INV-1002", day=1),
        ),
        {"B": {"DUP_LIKELY"}, "C": {"DUP_LIKELY"}},
    ),
    # OO7 reads as 007, of which the zeros do not count
    "a leading letter that reads as a zero": (
        a_book(billed("A", "1", number="007"), billed("B", "2", number="OO7", day=9)),
        {"B": {"DUP_LIKELY"}},
    ),
    "never a duplicate": (
        a_book(
            billed("A", "1", number="000"),
            billed("B", "1", number="--"),
            billed("C", "1", number="7"),
            billed("D", "1", number="7", duplicates_evaluable=False),
            billed("E", "1", number="7", rejected=True),
            billed("F", "1", number="7", group="G9"),
        ),
        {},
    ),
    "a half cent is rounded up, on both sides": (
        a_book(
            billed("A", "1", totals=replace(billed("X", "1").totals, payable=Decimal("11.995"))),
            billed("B", "2", totals=replace(billed("X", "2").totals, payable=Decimal("24.005"))),
            billed("C", "3", totals=prepaid_in_full("3", "36.005")),
        ),
        {"B": {"TOTAL_ARITH"}, "C": {"NOT_EVALUABLE"}},
    ),
    "a foreign currency": (
        a_book(
            billed("A", "1", currency="USD"),
            billed("B", "1", currency="USD", type_code="384", day=2),
            of_lines("C", write_line("1", "10", po_number="P9"), currency="USD", day=3),
        ),
        {
            "A": {"CURRENCY_DIFF"},
            "B": {"CURRENCY_DIFF", "NOT_EVALUABLE"},
            "C": {"PO_NOT_FOUND", "NOT_EVALUABLE"},
        },
    ),
    "tax off by a cent": (
        a_book(
            of_tax("A", "2.01"),
            of_tax("B", "2.0201", day=2),
            of_tax("C", "1.9899", day=3),
        ),
        {"B": {"TAX_TOTAL"}, "C": {"TAX_TOTAL"}},
    ),
}

NAMED_BOOKS: Named = {**PRICES, **QUANTITIES, **POSTED, **CREDITS, **DOCUMENTS, **UNEVALUABLE}
