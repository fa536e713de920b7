"""The oracle on single lines, against numbers worked by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from tests.oracle.book import Book, Invoice, OrderLine, Receipt, Supplier, Tolerance, UomFactor
from tests.oracle.book import shipped_tolerances as shipped
from tests.oracle.judge import LineVerdict, judge
from tests.oracle.writing import write_invoice, write_line

ORDER = OrderLine(
    po_number="P1", po_line="0010", supplier_id="S1", quantity=Decimal(100), unit_price=Decimal(10)
)


def received(quantity: str, number: str = "R1", **fields: Any) -> Receipt:
    return Receipt(
        **{"number": number, "line": "1", "po_number": "P1", "po_line": "10", **fields},
        quantity=Decimal(quantity),
    )


def a_book(*invoices: Invoice, order: OrderLine = ORDER, **fields: Any) -> Book:
    given = {
        "business_date": date(2026, 3, 10),
        "suppliers": (Supplier(supplier_id="S1", group="G1"), Supplier(supplier_id="S2", group="G2")),
        "order_lines": (order,),
        "receipts": (received("100"),),
        "tolerances": shipped(),
    }
    return Book(invoices=invoices, **{**given, **fields})


def only_line(book: Book) -> LineVerdict:
    (verdict,) = judge(book).lines.values()
    return verdict


def with_price_limit(**limit: Any) -> tuple[Tolerance, ...]:
    return (*(row for row in shipped() if row.code != "PRICE"), Tolerance(code="PRICE", **limit))


def test_an_invoice_that_agrees_is_matched():
    verdicts = judge(a_book(write_invoice("A", [write_line("90", "10")])))
    assert verdicts.lines["A", 1] == LineVerdict(frozenset(), "matched", {}, frozenset())
    assert verdicts.documents == {"A": frozenset()}


@pytest.mark.parametrize(
    ("price", "held"),
    [("1.05", False), ("1.10", True), ("1.050001", True)],
)
def test_five_percent_on_one_the_boundary_passes(price: str, held: bool):
    """D365: 5 % on 1.00, 1.05 passes, 1.10 does not."""
    book = a_book(
        write_invoice("A", [write_line("1", price)]),
        order=replace(ORDER, unit_price=Decimal("1.00")),
        tolerances=with_price_limit(up_pct=Decimal(5)),
    )
    assert ("PRICE" in only_line(book).codes) is held


@pytest.mark.parametrize(("net", "held"), [("120", False), ("130", True), ("120.0001", True)])
def test_twenty_percent_over_a_hundred_passes_at_120(net: str, held: bool):
    """ERPNext: 10 @ 10 with 20 % allowance, 10 @ 12 passes (120 of 120), 10 @ 13 does not."""
    line = write_line("10", None, net=Decimal(net))
    book = a_book(write_invoice("A", [line]), tolerances=with_price_limit(up_pct=Decimal(20)))
    assert ("PRICE" in only_line(book).codes) is held


def test_ninety_at_eleven_is_ninety_too_dear():
    """The price variance entry: invoice 90 @ 11 against 10 leaves 90."""
    verdict = only_line(a_book(write_invoice("A", [write_line("90", "11")])))
    assert verdict.codes == {"PRICE"}
    assert verdict.measured == {"PRICE": Fraction(90)}
    assert verdict.state == "held"
    assert verdict.blocking == frozenset()


@pytest.mark.parametrize(
    ("nets", "measured"),
    [
        (("110", "90"), None),  # 200 for 20 at 10: nothing
        (("110", "100"), "10"),  # 210: 5 %, 10.00 in all
        (("102", "102.01"), "4.01"),  # 204.01: 2.005 %
        (("101", "103"), None),  # 204: 2 %
    ],
)
def test_lines_of_one_document_on_one_order_line_have_one_price(nets: tuple[str, ...], measured: str | None):
    lines = [write_line("10", None, net=Decimal(net)) for net in nets]
    verdicts = judge(a_book(write_invoice("A", lines)))
    for verdict in verdicts.lines.values():
        assert verdict.measured == ({} if measured is None else {"PRICE": Fraction(measured)})


def test_a_lower_price_passes():
    assert only_line(a_book(write_invoice("A", [write_line("90", "9")]))).codes == frozenset()


@pytest.mark.parametrize(
    ("quantity", "net", "combine", "held"),
    [
        ("10", "102.00", "strictest", False),  # 2 %, 2.00
        ("10", "102.01", "strictest", True),  # 2.01 %
        ("1000", "10050.00", "strictest", False),  # 0.5 %, 50.00
        ("1000", "10050.01", "strictest", True),  # 50.01
        ("10", "150.00", "lenient", False),  # 50 % but 50.00
        ("1000", "10200.00", "lenient", False),  # 200.00 but 2 %
        ("1000", "10200.01", "lenient", True),  # both
    ],
)
def test_both_price_limits(quantity: str, net: str, combine: str, held: bool):
    book = a_book(
        write_invoice("A", [write_line(quantity, None, net=Decimal(net))]),
        order=replace(ORDER, quantity=Decimal(1000)),
        receipts=(received("1000"),),
        tolerances=with_price_limit(up_pct=Decimal(2), up_abs=Decimal(50), combine=combine),
    )
    assert ("PRICE" in only_line(book).codes) is held


def test_lenient_with_one_limit_set_is_decided_by_that_one():
    book = a_book(
        write_invoice("A", [write_line("10", "11")]),
        tolerances=with_price_limit(up_pct=Decimal(5), combine="lenient"),
    )
    assert only_line(book).codes == {"PRICE"}


@pytest.mark.parametrize(("limit", "held"), [({}, False), ({"up_abs": Decimal(0)}, True)])
def test_no_limit_is_not_checked_and_zero_allows_nothing(limit: dict[str, Decimal], held: bool):
    book = a_book(write_invoice("A", [write_line("1", "10.000001")]), tolerances=with_price_limit(**limit))
    assert ("PRICE" in only_line(book).codes) is held


@pytest.mark.parametrize(("net", "held"), [("0", False), ("0.01", True)])
def test_a_price_on_what_was_ordered_free_is_an_infinite_percentage(net: str, held: bool):
    book = a_book(
        write_invoice("A", [write_line("1", None, net=Decimal(net))]),
        order=replace(ORDER, unit_price=Decimal(0)),
        tolerances=with_price_limit(up_pct=Decimal(1000)),
    )
    assert ("PRICE" in only_line(book).codes) is held


def test_price_per_hundred_in_dozens():
    """25 dozen are 300 pieces; at 50.00 per 100 that is 150.00; 153.00 is 2 % more, 153.01 is not."""
    order = replace(ORDER, unit_price=Decimal(50), price_base=Decimal(100), quantity=Decimal(300))
    dozens = (UomFactor(from_uom="DZN", to_uom="EA", numerator=12, denominator=1),)
    for net, codes in (("153.00", frozenset()), ("153.01", {"PRICE"})):
        invoice = write_invoice("A", [write_line("25", None, net=Decimal(net), uom="DZN")])
        book = a_book(invoice, order=order, factors=dozens, receipts=(received("300"),))
        assert only_line(book).codes == codes


def test_the_items_own_factor_comes_first():
    """A carton of this item holds 10, of others 12: 10 cartons are the 100 received, not 120."""
    order = replace(ORDER, item="PEN")
    carton = UomFactor(from_uom="CT", to_uom="EA", numerator=12, denominator=1)
    factors = (carton, replace(carton, item="PEN", numerator=10), replace(carton, item="INK", numerator=99))
    invoice = write_invoice("A", [write_line("10", "100", uom="CT")])
    assert only_line(a_book(invoice, order=order, factors=factors)).codes == frozenset()
    assert only_line(a_book(invoice, factors=factors)).codes == {"QTY_ORD", "QTY_REC"}


@pytest.mark.parametrize("uom", ["XPP", None, ""])
def test_a_unit_without_factor_is_unmapped_and_does_not_count(uom: str | None):
    book = a_book(write_invoice("A", [write_line("900", "99", uom=uom)]))
    assert only_line(book).codes == {"UOM_UNMAPPED"}
    by_value = a_book(
        write_invoice("A", [write_line("1", "99", uom=uom)]),
        order=replace(ORDER, amount_based=True),
        receipts=(received("1", value=Decimal(99)),),
    )
    assert only_line(by_value).codes == frozenset()


@pytest.mark.parametrize(
    ("document", "line", "code"),
    [
        (None, {"po_number": None}, "PO_MISSING"),
        (None, {"po_number": "P9"}, "PO_NOT_FOUND"),
        ("P1", {"po_number": "P9"}, "PO_NOT_FOUND"),
        ("P9", {"po_number": None}, "PO_NOT_FOUND"),
        (None, {"po_line": None}, "LINE_UNMATCHED"),
        (None, {"po_line": "11"}, "LINE_UNMATCHED"),
        ("P9", {"po_line": "0010"}, None),
        ("P1", {"po_number": None, "po_line": "010"}, None),
    ],
)
def test_which_order_line(document: str | None, line: dict[str, str | None], code: str | None):
    invoice = write_invoice("A", [write_line("1", "10", **line)], po_number=document)
    verdict = only_line(a_book(invoice))
    assert verdict.codes == ({code} if code else frozenset())
    assert verdict.blocking == verdict.codes - {"LINE_UNMATCHED"}


def test_an_order_of_another_entity_is_not_found():
    book = a_book(
        write_invoice("A", [write_line("1", "10")]),
        order=replace(ORDER, entity="2000"),
        entities=(("1000", "EUR"), ("2000", "USD")),
    )
    assert only_line(book).codes == {"PO_NOT_FOUND"}


@pytest.mark.parametrize(
    ("order", "invoice", "code"),
    [
        ({"supplier_id": "S2"}, {}, "SUPPLIER_MISMATCH"),
        ({}, {"supplier_id": None}, "SUPPLIER_MISMATCH"),
        ({"currency": "USD"}, {}, "CURRENCY_DIFF"),
        ({"approved": False}, {}, "PO_NOT_APPROVED"),
        ({"closed": True}, {}, "PO_CLOSED"),
    ],
)
def test_gates_block_posting_and_keep_the_line_from_counting(
    order: dict[str, Any], invoice: dict[str, Any], code: str
):
    book = a_book(
        write_invoice("A", [write_line("500", "99")], **invoice), order=replace(ORDER, **order), receipts=()
    )
    verdict = only_line(book)
    assert verdict.codes == verdict.blocking == {code}
    assert verdict.state == "held"


@pytest.mark.parametrize(
    ("net", "fields", "held"),
    [
        ("100.02", {}, False),
        ("100.03", {}, True),
        ("99.98", {}, False),
        ("99.97", {}, True),
        ("103.00", {"charge": Decimal(5), "allowance": Decimal(2)}, False),
        ("104.00", {"charge": Decimal(5), "allowance": Decimal(2)}, True),
        ("1.00", {"price_base": Decimal(100)}, False),
        ("777.00", {"unit_price": None}, False),
    ],
)
def test_line_arithmetic(net: str, fields: dict[str, Any], held: bool):
    line = write_line("10", "10", **{"net": Decimal(net), "po_number": "P9", **fields})
    verdict = only_line(a_book(write_invoice("A", [line])))
    assert verdict.codes == ({"PO_NOT_FOUND", "LINE_ARITH"} if held else {"PO_NOT_FOUND"})


@pytest.mark.parametrize(
    ("scope", "wins"),
    [
        ({"po_number": "P1", "po_line": "00010"}, 1),
        ({"supplier_id": "S1", "item": "PEN"}, 2),
        ({"supplier_id": "S1"}, 3),
        ({"category": "OFFICE"}, 4),
        ({"entity": "1000"}, 5),
        ({}, 6),
    ],
)
def test_the_most_specific_scope_wins_for_each_field(scope: dict[str, str], wins: int):
    """Each scope allows as many percent as its rank; the more specific ones listed before it are absent."""
    scopes = [
        {"po_number": "P1", "po_line": "00010"},
        {"supplier_id": "S1", "item": "PEN"},
        {"supplier_id": "S1"},
        {"category": "OFFICE"},
        {"entity": "1000"},
        {},
    ]
    assert scopes[wins - 1] == scope
    tolerances = [
        Tolerance(code="PRICE", up_pct=Decimal(rank), **scopes[rank - 1]) for rank in range(6, wins - 1, -1)
    ]
    other = [
        Tolerance(code="PRICE", up_pct=Decimal(99), supplier_id="S2"),
        Tolerance(code="PRICE", up_pct=Decimal(99), po_number="P1", po_line="20"),
        Tolerance(code="PRICE", up_pct=Decimal(99), supplier_id="S1", item="INK"),
        Tolerance(code="PRICE", up_abs=Decimal(99), po_number="P1", po_line="10"),
        Tolerance(
            code="PRICE", up_pct=Decimal(0), po_number="P1", po_line="10", effective_to=date(2026, 3, 9)
        ),
        Tolerance(
            code="PRICE", up_pct=Decimal(0), po_number="P1", po_line="10", effective_from=date(2026, 3, 11)
        ),
    ]
    order = replace(ORDER, item="PEN", category="OFFICE")
    for net, held in ((Decimal(100 + wins), False), (Decimal(100 + wins) + Decimal("0.01"), True)):
        invoice = write_invoice("A", [write_line("10", None, net=net)])
        book = a_book(invoice, order=order, tolerances=(*other, *tolerances))
        assert ("PRICE" in only_line(book).codes) is held


def test_effective_dates_are_inclusive():
    one_day = Tolerance(
        code="PRICE", up_pct=Decimal(10), effective_from=date(2026, 3, 10), effective_to=date(2026, 3, 10)
    )
    book = a_book(write_invoice("A", [write_line("10", "11")]), tolerances=(one_day,))
    assert only_line(book).codes == frozenset()
