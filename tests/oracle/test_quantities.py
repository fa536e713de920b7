"""The oracle on what is billed in all: ordered, received, credited."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from tests.oracle.book import Book, Invoice, OrderLine, Receipt, Supplier, Tolerance
from tests.oracle.book import shipped_tolerances as shipped
from tests.oracle.judge import Verdicts, judge
from tests.oracle.writing import write_invoice, write_line

ORDER = OrderLine(
    po_number="P1", po_line="10", supplier_id="S1", quantity=Decimal(100), unit_price=Decimal(10)
)
SERVICE = replace(ORDER, amount_based=True, quantity=Decimal(0), unit_price=Decimal(0))


def a_receipt(quantity: str, **fields: Any) -> Receipt:
    return Receipt(
        **{"number": f"R{quantity}", "line": "1", "po_number": "P1", "po_line": "10", **fields},
        quantity=Decimal(quantity),
    )


def of_value(value: str | None, number: str = "R1") -> Receipt:
    return a_receipt("1", number=number, value=None if value is None else Decimal(value))


def a_book(
    *invoices: Invoice,
    order: OrderLine = ORDER,
    receipts: tuple[Receipt, ...] = (),
    limits: tuple[Tolerance, ...] = (),
) -> Book:
    replaced = {limit.code for limit in limits}
    return Book(
        business_date=date(2026, 3, 10),
        suppliers=(Supplier(supplier_id="S1", group="G1"),),
        order_lines=(order,),
        receipts=receipts,
        invoices=invoices,
        tolerances=(*(row for row in shipped() if row.code not in replaced), *limits),
    )


def billed(ref: str, quantity: str, price: str | None = "10", day: int = 1, **fields: Any) -> Invoice:
    return write_invoice(ref, [write_line(quantity, price)], issued=date(2026, 3, day), **fields)


def credited(ref: str, quantity: str, price: str = "10", day: int = 20, **fields: Any) -> Invoice:
    return billed(ref, quantity, price, day, kind="credit_note", type_code="381", **fields)


def codes_by_ref(verdicts: Verdicts) -> dict[str, set[str]]:
    return {ref: set(verdict.codes) for (ref, position), verdict in verdicts.lines.items() if position == 1}


def test_ninety_of_ninety_received_agrees():
    assert codes_by_ref(judge(a_book(billed("A", "90"), receipts=(a_receipt("90"),)))) == {"A": set()}


def test_a_hundred_billed_of_ninety_received_is_ten_too_many():
    """The accepted quantity variance: invoice 100, receipt 90, blocked; a later receipt of 10 frees it."""
    late = judge(a_book(billed("A", "100"), receipts=(a_receipt("90"),)))
    assert codes_by_ref(late) == {"A": {"QTY_REC"}}
    assert late.lines["A", 1].measured == {"QTY_REC": Fraction(10)}
    assert late.lines["A", 1].blocking == frozenset()
    assert late.lines["A", 1].state == "held"
    complete = judge(a_book(billed("A", "100"), receipts=(a_receipt("90"), a_receipt("10"))))
    assert codes_by_ref(complete) == {"A": set()}


def test_delivered_fifty_invoiced_eighty():
    """SAP: 100 ordered @ 10, 50 delivered, 80 invoiced: 30 too many."""
    verdicts = judge(a_book(billed("A", "80"), receipts=(a_receipt("50"),)))
    assert verdicts.lines["A", 1].measured == {"QTY_REC": Fraction(30)}


def test_quantity_and_price_on_one_line():
    """SAP: 100 @ 10 ordered, 60 delivered, invoice 100 @ 11: 40 too many and 100 too dear."""
    verdicts = judge(a_book(billed("A", "100", "11"), receipts=(a_receipt("60"),)))
    assert verdicts.lines["A", 1].measured == {"QTY_REC": Fraction(40), "PRICE": Fraction(100)}


@pytest.mark.parametrize(("quantity", "held"), [("120", False), ("120.0001", True)])
def test_twenty_percent_over_delivery_boundary(quantity: str, held: bool):
    twenty = tuple(Tolerance(code=code, up_pct=Decimal(20)) for code in ("QTY_ORD", "QTY_REC"))
    book = a_book(billed("A", quantity), receipts=(a_receipt("100"),), limits=twenty)
    assert codes_by_ref(judge(book)) == {"A": {"QTY_ORD", "QTY_REC"} if held else set()}


def test_partial_invoices_do_not_creep():
    """Three of 40 on 100: each by itself is far below, the third makes 120."""
    book = a_book(
        *(billed(ref, "40", day=day) for day, ref in enumerate("ABC", 1)), receipts=(a_receipt("100"),)
    )
    verdicts = judge(book)
    assert codes_by_ref(verdicts) == {"A": set(), "B": set(), "C": {"QTY_ORD", "QTY_REC"}}
    assert verdicts.lines["C", 1].measured == {"QTY_ORD": Fraction(20), "QTY_REC": Fraction(20)}


def test_two_lines_of_one_document_are_judged_together():
    invoice = write_invoice("A", [write_line("60", "10"), write_line("60", "10")])
    verdicts = judge(a_book(invoice, receipts=(a_receipt("100"),)))
    assert [verdict.codes for verdict in verdicts.lines.values()] == [{"QTY_ORD", "QTY_REC"}] * 2


def test_what_is_booked_comes_first():
    book = a_book(
        billed("EARLY", "60"), billed("BOOKED", "60", day=9, booking_no=1), receipts=(a_receipt("100"),)
    )
    assert codes_by_ref(judge(book)) == {"EARLY": {"QTY_ORD", "QTY_REC"}, "BOOKED": set()}


def test_same_day_goes_by_number_then_content():
    one, two = billed("A", "60", number="B-7"), billed("B", "60", number="A-9")
    book = a_book(one, two, receipts=(a_receipt("100"),))
    assert codes_by_ref(judge(book)) == {"A": {"QTY_ORD", "QTY_REC"}, "B": set()}
    apart = {"duplicates_evaluable": False, "number": "7"}
    one = replace(one, content_hash=b"\x02" * 32, **apart)
    two = replace(two, content_hash=b"\x10" + b"\x01" * 31, **apart)
    assert codes_by_ref(judge(a_book(two, one, receipts=(a_receipt("100"),)))) == {
        "A": set(),
        "B": {"QTY_ORD", "QTY_REC"},
    }


def test_two_way_needs_no_receipt():
    order = replace(ORDER, match_type=2)
    assert codes_by_ref(judge(a_book(billed("A", "100"), order=order))) == {"A": set()}
    assert codes_by_ref(judge(a_book(billed("A", "101"), order=order))) == {"A": {"QTY_ORD"}}


@pytest.mark.parametrize(("gr_based", "blocking"), [(False, set()), (True, {"NO_RECEIPT"})])
def test_nothing_received_waits(gr_based: bool, blocking: set[str]):
    verdict = judge(a_book(billed("A", "90"), order=replace(ORDER, gr_based=gr_based))).lines["A", 1]
    assert verdict.codes == {"NO_RECEIPT"}
    assert verdict.blocking == blocking
    assert verdict.state == "waiting_receipt"
    assert verdict.measured == {"NO_RECEIPT": Fraction(900)}


def test_waiting_with_another_fault_is_held():
    assert judge(a_book(billed("A", "90", "11"))).lines["A", 1].state == "held"
    assert judge(a_book(billed("A", "90", type_code="384"))).lines["A", 1].state == "held"


def test_a_reversed_receipt_is_no_receipt():
    receipts = (a_receipt("90"), a_receipt("-90", reverses=("R90", "1")))
    assert codes_by_ref(judge(a_book(billed("A", "90"), receipts=receipts))) == {"A": {"NO_RECEIPT"}}


@pytest.mark.parametrize(("quantity", "held"), [("5", False), ("5.0001", True)])
def test_small_values_may_go_without_receipt(quantity: str, held: bool):
    limit = Tolerance(code="NO_RECEIPT", up_abs=Decimal(50))
    assert codes_by_ref(judge(a_book(billed("A", quantity), limits=(limit,)))) == {
        "A": {"NO_RECEIPT"} if held else set()
    }


@pytest.mark.parametrize(
    ("receipts", "value", "code"),
    [
        ((), "1", "NO_RECEIPT"),
        ((of_value("100"),), "100", None),
        ((of_value("100"),), "100.01", "AMT_REC"),
        ((of_value("60"), of_value("40", "R2")), "100", None),
        ((of_value("60"), of_value(None, "R2")), "60", None),
        ((of_value("60"), of_value(None, "R2")), "60.01", "AMT_REC"),
        ((of_value(None),), "0.01", "AMT_REC"),
        ((of_value("60"), of_value("-60", "R2")), "0.01", "NO_RECEIPT"),
        ((of_value("60"), of_value("-60", "R2"), of_value(None, "R3")), "0.01", "AMT_REC"),
    ],
)
def test_received_value(receipts: tuple[Receipt, ...], value: str, code: str | None):
    book = a_book(billed("A", "1", value), order=SERVICE, receipts=receipts)
    assert codes_by_ref(judge(book)) == {"A": {code} if code else set()}


@pytest.mark.parametrize(("unknown", "held"), [(False, False), (True, True)])
def test_no_tolerance_covers_a_receipt_of_unknown_value(unknown: bool, held: bool):
    receipts = (of_value("100"), *((of_value(None, "R2"),) if unknown else ()))
    book = a_book(
        billed("A", "1", "110"),
        order=SERVICE,
        receipts=receipts,
        limits=(Tolerance(code="AMT_REC", up_pct=Decimal(10), up_abs=Decimal(10)),),
    )
    assert codes_by_ref(judge(book)) == {"A": {"AMT_REC"} if held else set()}


def test_a_credit_note_makes_room_for_what_is_billed_later():
    book = a_book(
        billed("A", "100"), credited("C", "30", day=2), billed("B", "30", day=3), receipts=(a_receipt("100"),)
    )
    assert codes_by_ref(judge(book)) == {"A": set(), "C": set(), "B": set()}


def test_over_billed_and_credited_before_any_receipt():
    """iDempiere: credit of what was billed and never received is set against the invoice, not the receipt."""
    book = a_book(billed("A", "100"), credited("C", "10"), receipts=(a_receipt("90"),))
    assert codes_by_ref(judge(book)) == {"A": set(), "C": set()}
    book = a_book(billed("A", "100"), credited("C", "9"), receipts=(a_receipt("90"),))
    assert judge(book).lines["A", 1].measured == {"QTY_REC": Fraction(1)}


def test_a_credit_in_excess_leaves_the_room_to_later_ones():
    """Of 40 billed, 30, 20 and 1 are credited: the 20 are in excess unless more is billed, whenever."""
    book = a_book(
        billed("A", "40"),
        credited("C", "30", day=2),
        credited("D", "20", day=3),
        credited("E", "1", day=4),
        billed("B", "90", day=5),
        billed("F", "1", day=6),
        receipts=(a_receipt("100"),),
    )
    verdicts = judge(book)
    # billed: 40 + 90 + 1, credited 30, 50, 51: everything billed counts, whatever its date
    assert codes_by_ref(verdicts) == {ref: set() for ref in "ABCDEF"}
    less = replace(book, invoices=tuple(one for one in book.invoices if one.ref not in "BF"))
    assert codes_by_ref(judge(less)) == {
        "A": set(),
        "C": set(),
        "D": {"CREDIT_EXCESS"},
        "E": set(),
    }
    assert judge(less).lines["D", 1].blocking == {"CREDIT_EXCESS"}
    assert judge(less).lines["D", 1].measured == {"CREDIT_EXCESS": Fraction(10)}


def test_a_credit_in_excess_gives_no_room():
    book = a_book(
        credited("C", "20", day=2),
        billed("A", "110", day=3, totals=broken_totals("110")),
        receipts=(a_receipt("100"),),
    )
    assert codes_by_ref(judge(book)) == {"C": {"CREDIT_EXCESS"}, "A": {"QTY_ORD", "QTY_REC"}}


def broken_totals(quantity: str) -> Any:
    totals = billed("X", quantity).totals
    return replace(totals, payable=totals.payable + 1)


def test_credit_by_value():
    book = a_book(billed("A", "10"), credited("C", "10", "10.01"), receipts=(a_receipt("100"),))
    assert codes_by_ref(judge(book))["C"] == {"CREDIT_EXCESS"}
    book = a_book(billed("A", "10"), credited("C", "10", "10"), receipts=(a_receipt("100"),))
    assert codes_by_ref(judge(book))["C"] == set()


def test_the_measure_of_an_excess_is_what_is_above_the_limit():
    """13 @ 10 of 10 @ 10: 3 in quantity pass a limit of 5, 30.00 in value do not."""
    limit = Tolerance(code="CREDIT_EXCESS", up_abs=Decimal(5))
    book = a_book(billed("A", "10"), credited("C", "13"), receipts=(a_receipt("100"),), limits=(limit,))
    assert judge(book).lines["C", 1].measured == {"CREDIT_EXCESS": Fraction(30)}


def test_amount_based_credit_is_by_value_only():
    book = a_book(
        billed("A", "1", "100"), credited("C", "5", "20"), order=SERVICE, receipts=(of_value("100"),)
    )
    assert codes_by_ref(judge(book))["C"] == set()


@pytest.mark.parametrize(
    ("fields", "excess"),
    [
        ({}, False),
        ({"totals": broken_totals("10")}, True),
        ({"totals": broken_totals("10"), "booking_no": 1}, False),
        ({"type_code": "384"}, True),
        ({"rejected": True}, True),
    ],
)
def test_only_what_can_be_posted_can_be_credited(fields: dict[str, Any], excess: bool):
    book = a_book(billed("A", "10", **fields), credited("C", "10"), receipts=(a_receipt("100"),))
    assert codes_by_ref(judge(book))["C"] == ({"CREDIT_EXCESS"} if excess else set())


@pytest.mark.parametrize(("gr_based", "excess"), [(False, False), (True, True)])
def test_an_invoice_parked_for_its_receipt_cannot_be_credited(gr_based: bool, excess: bool):
    book = a_book(billed("A", "10"), credited("C", "10"), order=replace(ORDER, gr_based=gr_based))
    assert codes_by_ref(judge(book))["C"] == ({"CREDIT_EXCESS"} if excess else set())


def test_a_credit_note_that_gives_back_too_little_is_held_for_its_price():
    """Billed 10 @ 10; credited at 9.79: 2.10 too little of 100, more than 2 %; at 9.80 it is just 2 %."""
    for price, codes in (("9.79", {"PRICE"}), ("9.80", set()), ("10.00", set())):
        book = a_book(billed("A", "10"), credited("C", "10", price), receipts=(a_receipt("100"),))
        assert codes_by_ref(judge(book))["C"] == codes


def test_an_exact_duplicate_does_not_count():
    book = a_book(
        billed("A", "60", number="7"), billed("B", "60", number="007", day=2), receipts=(a_receipt("100"),)
    )
    verdicts = judge(book)
    assert codes_by_ref(verdicts) == {"A": set(), "B": set()}
    assert verdicts.documents == {"A": frozenset(), "B": {"DUP_EXACT"}}
    assert verdicts.lines["B", 1].state == "held"
