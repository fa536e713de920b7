"""Books about what can be credited, with the codes worked by hand (see named_books)."""

from __future__ import annotations

from dataclasses import replace

from tests.oracle.one_order import (
    ORDER,
    SERVICE,
    Named,
    a_book,
    billed,
    credited,
    limit,
    of_lines,
    received,
    with_orders,
)
from tests.oracle.writing import write_line

CREDITS: Named = {
    "credits add up, also those in excess": (
        a_book(
            billed("A", "40"),
            credited("C", "30", day=2),
            credited("D", "20", day=3),
            credited("E", "1", day=4),
        ),
        {"D": {"CREDIT_EXCESS"}, "E": {"CREDIT_EXCESS"}},
    ),
    "a credit in excess makes no room": (
        a_book(credited("C", "20", day=2), billed("A", "110", day=3, type_code="384")),
        {"C": {"CREDIT_EXCESS"}, "A": {"QTY_ORD", "QTY_REC", "NOT_EVALUABLE"}},
    ),
    "a credit makes room": (
        a_book(billed("A", "100"), credited("C", "30", day=2), billed("B", "30", day=3)),
        {},
    ),
    "what is billed later can be credited": (
        a_book(credited("C", "10", day=1), billed("A", "10", day=2)),
        {},
    ),
    "more value than billed": (
        a_book(billed("A", "10"), credited("C", "10", "10.01")),
        {"C": {"CREDIT_EXCESS"}},
    ),
    "by value alone": (
        a_book(
            billed("A", "1", "100"),
            credited("C", "5", "20"),
            **with_orders(SERVICE),
            receipts=(received("1", "100"),),
        ),
        {},
    ),
    "nothing to credit on what is parked for its receipt": (
        a_book(
            billed("A", "10"), credited("C", "10"), **with_orders(replace(ORDER, gr_based=True)), receipts=()
        ),
        {"A": {"NO_RECEIPT"}, "C": {"CREDIT_EXCESS"}},
    ),
    "nothing to credit on what is parked for its receipt, by value": (
        a_book(
            billed("A", "1", "100"),
            credited("C", "1", "100"),
            **with_orders(replace(SERVICE, gr_based=True)),
            receipts=(),
        ),
        {"A": {"NO_RECEIPT"}, "C": {"CREDIT_EXCESS"}},
    ),
    "parked on another line of the same document": (
        a_book(
            of_lines("A", write_line("10", "10"), write_line("10", "10", po_line="20")),
            credited("C", "10"),
            **with_orders(ORDER, replace(ORDER, po_line="20", gr_based=True)),
        ),
        {"A 2": {"NO_RECEIPT"}, "C": {"CREDIT_EXCESS"}},
    ),
    "parked on a line that does not count": (
        a_book(
            of_lines("A", write_line("10", "10"), write_line("10", "10", po_line="20", uom="XPP")),
            credited("C", "10"),
            **with_orders(ORDER, replace(ORDER, po_line="20", gr_based=True)),
        ),
        {"A 2": {"UOM_UNMAPPED"}},
    ),
    "not parked where the value needs no receipt": (
        a_book(
            billed("A", "5"),
            credited("C", "5"),
            **with_orders(replace(ORDER, gr_based=True)),
            receipts=(),
            limits=(limit("NO_RECEIPT", None, "50"),),
        ),
        {},
    ),
    "booked can be credited whatever its codes": (
        a_book(billed("A", "10", booking_no=1, type_code="384"), credited("C", "10")),
        {"A": {"NOT_EVALUABLE"}},
    ),
    "rejected cannot": (
        a_book(billed("A", "10", rejected=True), credited("C", "10")),
        {"C": {"CREDIT_EXCESS"}},
    ),
}
