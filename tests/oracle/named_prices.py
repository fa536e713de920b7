"""Books about prices, limits and units, with the codes worked by hand (see named_books)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from tests.oracle.book import UomFactor
from tests.oracle.one_order import (
    ORDER,
    Named,
    a_book,
    apart,
    billed,
    credited,
    limit,
    of_lines,
    priced,
    received,
    with_orders,
)

PRICES: Named = {
    "five percent on one, 1.05 passes": (
        a_book(
            *apart(priced("1.05", "1"), priced("1.10", "1"), priced("1.0501", "1")),
            **with_orders(replace(ORDER, unit_price=Decimal(1))),
            limits=(limit("PRICE", "5"),),
        ),
        {"B": {"PRICE"}, "C": {"PRICE"}},
    ),
    "twenty percent, 120 of 120 passes": (
        a_book(*apart(priced("120"), priced("130")), limits=(limit("PRICE", "20"),)),
        {"B": {"PRICE"}},
    ),
    "strictest: 2 % or 50.00": (
        a_book(
            *apart(priced("102.00"), priced("102.01"), priced("10050", "1000"), priced("10050.01", "1000")),
            **with_orders(replace(ORDER, quantity=Decimal(3000))),
            receipts=(received("3000"),),
        ),
        {"B": {"PRICE"}, "D": {"PRICE"}},
    ),
    "lenient: both 2 % and 50.00": (
        a_book(
            *apart(priced("150", "10"), priced("10200", "1000"), priced("10200.01", "1000")),
            **with_orders(replace(ORDER, quantity=Decimal(3000))),
            receipts=(received("3000"),),
            limits=(limit("PRICE", "2", "50", combine="lenient"),),
        ),
        {"C": {"PRICE"}},
    ),
    "lenient with one limit set": (
        a_book(of_lines("A", priced("110")), limits=(limit("PRICE", "5", combine="lenient"),)),
        {"A": {"PRICE"}},
    ),
    "no limit is not checked": (a_book(of_lines("A", priced("999")), limits=(limit("PRICE"),)), {}),
    "ordered free and charged": (
        a_book(
            *apart(priced("0.01"), priced("0")),
            **with_orders(replace(ORDER, unit_price=Decimal(0))),
            limits=(limit("PRICE", "1000"),),
        ),
        {"A": {"PRICE"}},
    ),
    # 110 + 90 for 20 at 10.00 are 200 - 200 = 0; 110 for 10 alone are 10.00 or 10 % above
    "two lines of one document whose prices compensate": (
        a_book(of_lines("A", priced("110"), priced("90")), of_lines("B", priced("110"), day=2)),
        {"B": {"PRICE"}},
    ),
    # 10,030 + 10,030 for 2,000 at 10.00 are 60.00 above (0.3 %); one of them alone 30.00
    "two lines of one document that together exceed 50.00": (
        a_book(
            of_lines("A", priced("10030", "1000"), priced("10030", "1000")),
            of_lines("B", priced("10030", "1000"), day=2),
            **with_orders(replace(ORDER, quantity=Decimal(3000))),
            receipts=(received("3000"),),
        ),
        {"A 1": {"PRICE"}, "A 2": {"PRICE"}},
    ),
    # 10,025 + 10,025 are 50.00 above, and 50.00 passes
    "two lines of one document that together reach 50.00": (
        a_book(
            of_lines("A", priced("10025", "1000"), priced("10025", "1000")),
            **with_orders(replace(ORDER, quantity=Decimal(3000))),
            receipts=(received("3000"),),
        ),
        {},
    ),
    # on order line 10 103 for 100: 3 %; what is too cheap on order line 20 does not make up for it
    "lines on two order lines do not compensate": (
        a_book(
            of_lines("A", priced("103"), priced("97", po_line="20")),
            **with_orders(ORDER, replace(ORDER, po_line="20", match_type=2)),
        ),
        {"A 1": {"PRICE"}},
    ),
    # credited 97 + 99 for 20 at 10.00: 200 - 196 = 4.00 too little, 2 %; 97 for 10 alone are 3 % too little
    "two lines of one credit note are judged together": (
        a_book(
            billed("A", "30"),
            of_lines("C", priced("97"), priced("99"), kind="credit_note", type_code="381", day=20),
            of_lines("D", priced("97"), kind="credit_note", type_code="381", day=21),
        ),
        {"D": {"PRICE"}},
    ),
    "credit gives back too little": (
        a_book(billed("A", "20"), credited("C", "10", "9.79"), credited("D", "10", "9.80", day=21)),
        {"C": {"PRICE"}},
    ),
    "supplier before category before entity before default": (
        a_book(
            *apart(priced("103"), priced("103.01")),
            limits=(
                limit("PRICE", "9"),
                limit("PRICE", "1", entity="1000"),
                limit("PRICE", "2", category="OFFICE"),
                limit("PRICE", "3", supplier_id="S1"),
            ),
        ),
        {"B": {"PRICE"}},
    ),
    "category before entity": (
        a_book(
            of_lines("A", priced("102")),
            limits=(limit("PRICE", "1", entity="1000"), limit("PRICE", "2", category="OFFICE")),
        ),
        {},
    ),
    "order line before supplier and item before supplier": (
        a_book(
            *apart(priced("105"), priced("105.01")),
            limits=(
                limit("PRICE", "9"),
                limit("PRICE", "3", supplier_id="S1"),
                limit("PRICE", "4", supplier_id="S1", item="PEN"),
                limit("PRICE", "5", po_number="P1", po_line="10"),
            ),
        ),
        {"B": {"PRICE"}},
    ),
    "each field by itself": (
        a_book(
            *apart(priced("110"), priced("110.01")),
            limits=(
                limit("PRICE", "0", "10", combine="lenient"),
                limit("PRICE", "1", None, supplier_id="S1"),
            ),
        ),
        {"B": {"PRICE"}},
    ),
    "limits of other days": (
        a_book(
            *apart(priced("110"), priced("110.01")),
            limits=(
                limit("PRICE", "0", supplier_id="S1", effective_to=date(2026, 3, 9)),
                limit("PRICE", "0", category="OFFICE", effective_from=date(2026, 3, 11)),
                limit(
                    "PRICE",
                    "10",
                    entity="1000",
                    effective_from=date(2026, 3, 10),
                    effective_to=date(2026, 3, 10),
                ),
            ),
        ),
        {"B": {"PRICE"}},
    ),
    "units: the item's own factor first": (
        a_book(
            *apart(priced("100", "1", uom="CT"), priced("200", "1", uom="DZN"), priced("1", uom="XPP")),
            factors=(
                UomFactor(from_uom="CT", to_uom="EA", numerator=1, denominator=7),
                UomFactor(from_uom="CT", to_uom="EA", numerator=10, denominator=1, item="PEN"),
                UomFactor(from_uom="DZN", to_uom="EA", numerator=12, denominator=1),
            ),
        ),
        {"B": {"PRICE"}, "C": {"UOM_UNMAPPED"}},
    ),
}
