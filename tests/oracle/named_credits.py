"""Books about what can be credited, with the codes worked by hand (see named_books)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from tests.oracle.one_order import (
    ORDER,
    SERVICE,
    Named,
    a_book,
    billed,
    credited,
    limit,
    of_lines,
    off_by_one,
    received,
    with_orders,
)
from tests.oracle.writing import write_line

TWO_WAY = replace(ORDER, po_line="20", match_type=2)
# order line 10: A and B bill 60 + 60, the note credits 30. Order line 20: A bills 10, the note credits 11
ON_TWO = of_lines("A", write_line("60", "10"), write_line("10", "10", po_line="20"))
CREDIT_ON_TWO = of_lines(
    "C",
    write_line("30", "10"),
    write_line("11", "10", po_line="20"),
    kind="credit_note",
    type_code="381",
    day=20,
)

CREDITS: Named = {
    # 30 of 40; 30 + 20 are 10 too many and credit nothing; 30 + 10 are just 40; nothing is left for another
    "a credit in excess leaves the room to a later one": (
        a_book(
            billed("A", "40"),
            credited("C", "30", day=2),
            credited("D", "20", day=3),
            credited("E", "10", day=4),
            credited("F", "0.0001", day=5),
        ),
        {"D": {"CREDIT_EXCESS"}, "F": {"CREDIT_EXCESS"}},
    ),
    # 100 - 10 = 90 of 90 received, though the note is dated after the invoice, which is booked
    "a later credit clears what is booked": (
        a_book(billed("A", "100", booking_no=1), credited("C", "10", day=20), receipts=(received("90"),)),
        {},
    ),
    # 100 - 9 = 91 of 90
    "a later credit that is too small clears nothing": (
        a_book(billed("A", "100", booking_no=1), credited("C", "9", day=20), receipts=(received("90"),)),
        {"A": {"QTY_REC"}},
    ),
    # 110 - 10 = 100 of 100 received in value
    "a later credit clears a value": (
        a_book(
            billed("A", "1", "110", booking_no=1),
            credited("C", "1", "10", day=20),
            **with_orders(SERVICE),
            receipts=(received("1", "100"),),
        ),
        {},
    ),
    # 60 + 60 - 0 = 120 of 100: the note is parked and credits nothing
    "a parked credit makes no room": (
        a_book(billed("A", "60"), off_by_one(credited("C", "30", day=2)), billed("B", "60", day=3)),
        {"C": {"TOTAL_ARITH"}, "B": {"QTY_ORD", "QTY_REC"}},
    ),
    # 60 + 60 - 30 = 90
    "a credit that is booked makes room whatever its codes": (
        a_book(
            billed("A", "60"), off_by_one(credited("C", "30", day=2, booking_no=1)), billed("B", "60", day=3)
        ),
        {"C": {"TOTAL_ARITH"}},
    ),
    # C is parked, so that of 40 all 40 are left to D, and then nothing to E
    "a parked credit leaves the room to a later one": (
        a_book(
            billed("A", "40"),
            off_by_one(credited("C", "30", day=2)),
            credited("D", "40", day=3),
            credited("E", "1", day=4),
        ),
        {"C": {"TOTAL_ARITH"}, "E": {"CREDIT_EXCESS"}},
    ),
    # on order line 20 11 of 10 are credited; so on order line 10 it is 60 + 60 - 0 = 120 of 100
    "a credit in excess on one order line makes no room on another": (
        a_book(ON_TWO, billed("B", "60", day=3), CREDIT_ON_TWO, **with_orders(ORDER, TWO_WAY)),
        {"B": {"QTY_ORD", "QTY_REC"}, "C 2": {"CREDIT_EXCESS"}},
    ),
    # booked, it does: 60 + 60 - 30 = 90
    "a booked credit in excess on one order line makes room on another": (
        a_book(
            ON_TWO,
            billed("B", "60", day=3),
            replace(CREDIT_ON_TWO, booking_no=1),
            **with_orders(ORDER, TWO_WAY),
        ),
        {"C 2": {"CREDIT_EXCESS"}},
    ),
    # of 120 billed on order line 10 the 30 stay spoken for: 30 + 91 are 1 too many, 30 + 90 are not
    "what a credit in excess elsewhere takes is not left to others": (
        a_book(
            ON_TWO,
            billed("B", "60", day=3),
            CREDIT_ON_TWO,
            credited("D", "91", day=21),
            credited("E", "90", day=22),
            **with_orders(ORDER, TWO_WAY),
        ),
        # E credits: 60 + 60 - 90 = 30
        {"C 2": {"CREDIT_EXCESS"}, "D": {"CREDIT_EXCESS"}},
    ),
    # booked first: 40 of 50, then 20 are 10 too many, whatever the dates
    "booked credits come first": (
        a_book(billed("A", "50"), credited("C", "20", day=2), credited("D", "40", day=3, booking_no=1)),
        {"C": {"CREDIT_EXCESS"}},
    ),
    # 3 in quantity pass a limit of 5, 30.00 in value do not
    "the limit of a credit in value": (
        a_book(billed("A", "10"), credited("C", "13"), limits=(limit("CREDIT_EXCESS", None, "5"),)),
        {"C": {"CREDIT_EXCESS"}},
    ),
    # 10 at 10.00 with 20 % tax are 120.00
    "an invoice that needs approval cannot be credited": (
        a_book(billed("A", "10"), credited("C", "5"), machine_limit=Decimal("119.99")),
        {"C": {"CREDIT_EXCESS"}},
    ),
    "an invoice at the machine's limit can": (
        a_book(billed("A", "10"), credited("C", "5"), machine_limit=Decimal("120")),
        {},
    ),
    "an invoice that a person approved can": (
        a_book(billed("A", "10", approved=True), credited("C", "5"), machine_limit=Decimal("119.99")),
        {},
    ),
    "an invoice that is booked can, whatever its amount": (
        a_book(billed("A", "10", booking_no=1), credited("C", "5"), machine_limit=Decimal("119.99")),
        {},
    ),
    # the note is over 840.00; 60 + 60 - 0 = 120 of 100
    "a credit that needs approval makes no room": (
        a_book(
            billed("A", "60"),
            credited("C", "70", day=2),
            billed("B", "60", day=3),
            machine_limit=Decimal("839.99"),
        ),
        {"B": {"QTY_ORD", "QTY_REC"}},
    ),
    # 60 + 60 - 70 = 50
    "a credit that a person approved makes room": (
        a_book(
            billed("A", "60"),
            credited("C", "70", day=2, approved=True),
            billed("B", "60", day=3),
            machine_limit=Decimal("839.99"),
        ),
        {},
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
