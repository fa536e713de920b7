"""Random suppliers, order lines, receipts and unit factors, drawn so that limits are met often.

In each list of choices the plain case comes first and most often: Hypothesis shrinks towards it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from tests.oracle.book import OrderLine, Receipt, Supplier, UomFactor

IBAN = "DE89370400440532013000"
FOUR_PLACES = Decimal("0.0001")
FACTORS = (
    UomFactor(from_uom="DZN", to_uom="EA", numerator=12, denominator=1),
    UomFactor(from_uom="CT", to_uom="EA", numerator=12, denominator=1),
    UomFactor(from_uom="CT", to_uom="EA", item="PEN", numerator=10, denominator=1),
    UomFactor(from_uom="CT", to_uom="EA", item="INK", numerator=7, denominator=3),
    UomFactor(from_uom="SET", to_uom="EA", numerator=1, denominator=3),
)


def decimals(*values: str) -> SearchStrategy[Decimal]:
    """One of these numbers."""
    return st.sampled_from([Decimal(value) for value in values])


def rarely(one_in: int) -> SearchStrategy[bool]:
    """True about once in so many draws."""
    return st.sampled_from([False] * (one_in - 1) + [True])


@st.composite
def slip(draw: DrawFn, one_in: int, *values: str) -> Decimal:
    """0, and about once in so many draws one of these numbers."""
    return draw(decimals(*values)) if draw(rarely(one_in)) else Decimal(0)


@st.composite
def draw_suppliers(draw: DrawFn) -> tuple[Supplier, ...]:
    """One to three suppliers, some of one group, a few blocked or not known to be free."""
    return tuple(
        Supplier(
            supplier_id=f"S{number}",
            group=draw(st.sampled_from([f"G{number}", "G1"])),
            blocked=draw(st.sampled_from([True, None])) if draw(rarely(20)) else False,
            iban=draw(st.sampled_from([None, IBAN])),
        )
        for number in range(1, draw(st.integers(1, 3)) + 1)
    )


@st.composite
def draw_order_line(draw: DrawFn, number: int, suppliers: tuple[Supplier, ...]) -> OrderLine:
    """One order line; a few are unapproved, closed, in doubt, late, in foreign currency or of the other entity."""
    entity = "2000" if draw(rarely(15)) else "1000"
    home_currency = {"1000": "EUR", "2000": "USD"}[entity]
    return OrderLine(
        po_number=draw(st.sampled_from(["P1", "P2"])),
        po_line=f"{number:05}",
        supplier_id=draw(st.sampled_from(suppliers)).supplier_id,
        quantity=draw(decimals("100", "10", "1", "12", "2.5", "0.3333", "1000", "0")),
        unit_price=draw(decimals("10", "1", "25", "0.5", "1.3333", "0.001", "2500", "0")),
        price_base=draw(decimals("1", "1", "1", "1", "100", "1000", "3")),
        entity=entity,
        currency="CHF" if draw(rarely(25)) else home_currency,
        item=draw(st.sampled_from([None, "PEN", "INK"])),
        category=draw(st.sampled_from([None, "OFFICE"])),
        amount_based=draw(rarely(5)),
        ordered_value=draw(st.sampled_from([None, Decimal(100), Decimal(1000)])),
        match_type=2 if draw(rarely(4)) else 3,
        gr_based=draw(rarely(3)),
        approved=not draw(rarely(25)),
        closed=draw(rarely(15)),
        tax_rate=draw(st.sampled_from([None, Decimal(20)])),
        order_date=date(2026, 3, 3) if draw(rarely(20)) else draw(st.sampled_from([None, date(2026, 2, 27)])),
        doubtful=draw(rarely(40)),
    )


@st.composite
def draw_receipt(
    draw: DrawFn, number: int, order_lines: tuple[OrderLine, ...], earlier: tuple[Receipt, ...]
) -> Receipt:
    """One receipt near the ordered quantity, a return, or the reversal of an earlier receipt."""
    name = f"R{number}"
    if draw(rarely(4)) and earlier:
        reversed_one = draw(st.sampled_from(earlier))
        return replace(
            reversed_one,
            number=name,
            quantity=-reversed_one.quantity,
            value=None if reversed_one.value is None else -reversed_one.value,
            reverses=(reversed_one.number, reversed_one.line),
        )
    order_line = draw(st.sampled_from(order_lines))
    share = draw(decimals("1", "0.5", "0.9", "1.1", "0.25", "-0.1"))
    value = draw(decimals("100", "60", "40", "33.33", "99.99", "-10"))
    value_known = order_line.amount_based and not draw(rarely(4))
    return Receipt(
        number=name,
        line="1",
        entity=order_line.entity,
        po_number=order_line.po_number,
        po_line="99" if draw(rarely(12)) else order_line.po_line,
        quantity=(order_line.quantity * share).quantize(FOUR_PLACES),
        value=value if value_known else None,
    )


@st.composite
def draw_receipts(draw: DrawFn, order_lines: tuple[OrderLine, ...]) -> tuple[Receipt, ...]:
    """Up to six receipts."""
    receipts: tuple[Receipt, ...] = ()
    for number in range(1, draw(st.integers(0, 6)) + 1):
        receipts = (*receipts, draw(draw_receipt(number, order_lines, receipts)))
    return receipts
