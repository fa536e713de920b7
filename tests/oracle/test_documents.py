"""The oracle on documents by themselves and on duplicates."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from tests.oracle.book import Book, Invoice, Supplier, Tax, shipped_tolerances
from tests.oracle.documents import to_cents
from tests.oracle.duplicates import number_key
from tests.oracle.judge import judge
from tests.oracle.writing import write_invoice, write_line

DAY = date(2026, 3, 2)
OTHER_DAY = date(2026, 3, 3)


def documents_of(*invoices: Invoice, **fields: Any) -> dict[str, set[str]]:
    given = {
        "business_date": date(2026, 3, 10),
        "suppliers": (
            Supplier(supplier_id="S1", group="G1"),
            Supplier(supplier_id="S2", group="G1", blocked=True),
        ),
        "order_lines": (),
        "receipts": (),
        "tolerances": shipped_tolerances(),
    }
    verdicts = judge(Book(invoices=invoices, **{**given, **fields}))
    return {ref: set(codes) for ref, codes in verdicts.documents.items()}


def a_document(ref: str = "A", net: str = "100.00", **fields: Any) -> Invoice:
    return write_invoice(ref, [write_line("1", net)], **fields)


@pytest.mark.parametrize(
    ("amount", "rounded"),
    [("0.005", "0.01"), ("-0.005", "0"), ("-0.0051", "-0.01"), ("1.0049", "1"), ("-1.015", "-1.01")],
)
def test_a_half_cent_rounds_towards_plus_infinity(amount: str, rounded: str):
    assert to_cents(Fraction(amount)) == Fraction(rounded)


@pytest.mark.parametrize(
    ("totals", "held"),
    [
        ({}, False),
        ({"line_total": "100.01", "net": "100.01", "gross": "120.01", "payable": "120.01"}, True),  # CO-10
        ({"net": "100.01", "gross": "120.01", "payable": "120.01"}, True),  # CO-13
        ({"tax": "20.01", "gross": "120.01", "payable": "120.01"}, True),  # CO-14
        ({"gross": "120.01", "payable": "120.01"}, True),  # CO-15
        ({"payable": "120.01"}, True),  # CO-16
        ({"payable": "120.0049"}, False),
        ({"payable": "119.995"}, False),
        ({"payable": "120.005"}, True),
        ({"payable": "119.9949"}, True),
    ],
)
def test_totals_tie_to_the_cent(totals: dict[str, str], held: bool):
    document = a_document()
    changed = replace(document.totals, **{name: Decimal(value) for name, value in totals.items()})
    found = documents_of(replace(document, totals=changed))["A"]
    assert found == ({"TOTAL_ARITH"} if held else set())


def test_allowances_charges_prepayment_and_rounding_tie_but_need_a_person():
    document = a_document()
    for change in (
        {"allowance": "10", "net": "90", "gross": "110", "payable": "110"},
        {"charge": "10", "net": "110", "gross": "130", "payable": "130"},
        {"prepaid": "20", "payable": "100"},
        {"rounding": "0.03", "payable": "120.03"},
    ):
        totals = replace(document.totals, **{name: Decimal(value) for name, value in change.items()})
        assert documents_of(replace(document, totals=totals)) == {"A": {"NOT_EVALUABLE"}}


@pytest.mark.parametrize(
    ("tax", "held"),
    [("20.00", False), ("20.01", False), ("20.02", True), ("19.99", False), ("19.9899", True)],
)
def test_tax_may_be_off_by_a_cent(tax: str, held: bool):
    document = a_document()
    rows = (Tax(category="S", rate=Decimal(20), taxable=Decimal(100), tax=Decimal(tax)),)
    gross = Decimal(100) + Decimal(tax)
    totals = replace(document.totals, tax=Decimal(tax), gross=gross, payable=gross)
    found = documents_of(replace(document, taxes=rows, totals=totals))
    assert found == {"A": {"TAX_TOTAL"} if held else set()}


def test_tax_is_judged_by_category_not_in_sum():
    """Two rows off by 0.02 in opposite directions add up, and are still wrong."""
    document = write_invoice("A", [write_line("1", "200")])
    rows = (
        Tax(category="S", rate=Decimal(20), taxable=Decimal(100), tax=Decimal("20.02")),
        Tax(category="S", rate=Decimal(10), taxable=Decimal(100), tax=Decimal("9.98")),
    )
    totals = replace(document.totals, tax=Decimal(30), gross=Decimal(230), payable=Decimal(230))
    assert documents_of(replace(document, taxes=rows, totals=totals)) == {"A": {"TAX_TOTAL"}}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"type_code": "380"}, set()),
        ({"type_code": "381"}, set()),
        ({"type_code": None}, set()),
        ({"type_code": "384"}, {"NOT_EVALUABLE"}),
        ({"type_code": "389"}, {"NOT_EVALUABLE"}),
        ({"currency": "USD"}, {"NOT_EVALUABLE"}),
        ({"supplier_id": "S2"}, {"NOT_EVALUABLE"}),
        ({"supplier_id": None}, set()),
    ],
)
def test_what_only_a_person_can_judge(fields: dict[str, Any], expected: set[str]):
    assert documents_of(a_document(**fields)) == {"A": expected}


@pytest.mark.parametrize("category", ["AE", "K", "G", "O", "L", "M"])
def test_tax_categories_not_built_need_a_person(category: str):
    document = a_document()
    assert documents_of(replace(document, taxes=(replace(document.taxes[0], category=category),))) == {
        "A": {"NOT_EVALUABLE"}
    }


def test_lines_without_quantity_or_below_zero_need_a_person():
    assert documents_of(write_invoice("A", [write_line("0", "1")])) == {"A": {"NOT_EVALUABLE"}}
    assert documents_of(write_invoice("A", [write_line("-1", "1"), write_line("3", "1")])) == {
        "A": {"NOT_EVALUABLE"}
    }
    assert documents_of(write_invoice("A", [write_line("1", "-1"), write_line("1", "3")])) == {
        "A": {"NOT_EVALUABLE"}
    }


@pytest.mark.parametrize(
    ("number", "key"),
    [
        ("INV-0012", "INV0012"),
        ("  00 12/3", "123"),
        ("inv_12", "INV12"),
        ("000", ""),
        ("--", ""),
        ("0O1", "O1"),
    ],
)
def test_number_keys(number: str, key: str):
    assert number_key(number) == key


@pytest.mark.parametrize(
    ("number", "net", "day", "code"),
    [
        ("inv 1001", "100.00", OTHER_DAY, "DUP_EXACT"),  # same number, same gross
        ("INV1001", "99.00", DAY, "DUP_EXACT"),  # same number, same date
        ("INV1001", "99.00", OTHER_DAY, "DUP_LIKELY"),  # same number only
        ("INV-1OO1", "99.00", OTHER_DAY, "DUP_LIKELY"),  # reads the same
        ("OINV-1001", "99.00", OTHER_DAY, "DUP_LIKELY"),  # reads the same: 0INV-1001
        ("1NV-I00L", "99.00", OTHER_DAY, "DUP_LIKELY"),
        ("INV-1010", "100.00", OTHER_DAY, "DUP_LIKELY"),  # swapped, same gross
        ("INV-1010", "99.00", DAY, "DUP_LIKELY"),  # swapped, same date
        ("INV-1010", "99.00", OTHER_DAY, None),  # swapped, nothing else
        ("NIV-1010", "100.00", DAY, None),  # two swaps
        ("INV-1002", "100.00", DAY, None),  # another number
        ("INV-10011", "100.00", DAY, None),
    ],
)
def test_duplicates(number: str, net: str, day: date, code: str | None):
    found = documents_of(
        a_document("A", number="INV-1001", issued=DAY, booking_no=1),
        a_document("B", net, number=number, issued=day),
    )
    assert found == {"A": set(), "B": {code} if code else set()}


def test_empty_number_keys_never_match():
    assert documents_of(a_document("A", number="000"), a_document("B", number="--")) == {
        "A": set(),
        "B": set(),
    }


@pytest.mark.parametrize(
    "other", [{"group": "G2"}, {"kind": "credit_note"}, {"duplicates_evaluable": False}, {"rejected": True}]
)
def test_what_is_never_a_duplicate(other: dict[str, Any]):
    found = documents_of(a_document("A", number="7"), a_document("B", number="7", **other))
    assert all(not codes for codes in found.values())


def test_the_later_one_in_business_order_is_the_duplicate():
    early = a_document("EARLY", number="7", issued=DAY)
    late = a_document("LATE", number="7", issued=OTHER_DAY)
    assert documents_of(late, early) == {"EARLY": set(), "LATE": {"DUP_EXACT"}}
    booked = replace(late, booking_no=4)
    assert documents_of(early, booked) == {"EARLY": {"DUP_EXACT"}, "LATE": set()}


def test_on_one_day_the_number_as_written_decides_before_the_content():
    plain = a_document("PLAIN", number="7", content_hash=b"\x01" * 32)
    padded = a_document("PADDED", number="007", content_hash=b"\x02" * 32)
    assert documents_of(plain, padded) == {"PLAIN": {"DUP_EXACT"}, "PADDED": set()}


def test_a_duplicate_still_serves_as_the_earlier_one():
    """C repeats only B, which itself repeats A."""
    first = a_document("A", "100.00", number="7", issued=date(2026, 3, 1))
    second = a_document("B", "50.00", number="7", issued=date(2026, 3, 1), content_hash=b"\xff" * 32)
    third = a_document("C", "50.00", number="7", issued=date(2026, 3, 5))
    first = replace(first, content_hash=b"\x00" * 32)
    assert documents_of(first, second, third) == {"A": set(), "B": {"DUP_EXACT"}, "C": {"DUP_EXACT"}}


def test_a_rejected_document_gets_no_verdict():
    assert documents_of(a_document("A", rejected=True)) == {}
