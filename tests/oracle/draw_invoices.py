"""Random invoices and credit notes that mostly add up and stand close to every limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from tests.oracle.book import ZERO, Invoice, InvoiceLine, OrderLine, Receipt, Supplier, Tax, Totals
from tests.oracle.draw_masters import FACTORS, FOUR_PLACES, IBAN, decimals, rarely, slip
from tests.oracle.draw_numbers import draw_number, draw_spelling
from tests.oracle.writing import cents, write_totals

DAYS = (date(2026, 3, 2), date(2026, 3, 3), date(2026, 2, 27))
# which printed totals share a slip: all that follow from a wrong one, or that one alone
CARRIED_ON = (
    ("payable",),
    ("gross", "payable"),
    ("tax", "gross", "payable"),
    ("net", "gross", "payable"),
    ("line_total", "net", "gross", "payable"),
    ("gross",),
    ("tax",),
    ("net",),
    ("line_total",),
    ("prepaid",),
    ("rounding",),
)
SPACED_IBAN = "de89 3704 0044 0532 0130 00"
OTHER_IBAN = "DE02120300000000202051"
SIX_PLACES = Decimal("0.000001")


@dataclass(frozen=True)
class Masters:
    """What the invoices refer to."""

    suppliers: tuple[Supplier, ...]
    order_lines: tuple[OrderLine, ...]
    receipts: tuple[Receipt, ...]

    def received(self, order_line: OrderLine) -> Decimal:
        """The net received quantity."""
        return sum(
            (
                receipt.quantity
                for receipt in self.receipts
                if (receipt.entity, receipt.po_number, receipt.po_line)
                == (order_line.entity, order_line.po_number, order_line.po_line)
            ),
            ZERO,
        )


@st.composite
def draw_quantity(draw: DrawFn, masters: Masters, order_line: OrderLine) -> Decimal:
    """A quantity in order units at, or just beside, what was ordered or received, or a part of it."""
    near = draw(st.sampled_from([order_line.quantity, masters.received(order_line)]))
    share = draw(decimals("1", "0.5", "0.5", "0.25", "0.25", "0.1", "0.1", "1.05", "1.2"))
    beside = draw(slip(4, "0.0001", "-0.0001", "1"))
    quantity = (near * share + beside).quantize(FOUR_PLACES)
    if draw(rarely(60)):
        return draw(decimals("0", "-1"))
    return quantity if quantity > 0 else Decimal(1)


@st.composite
def draw_amounts(
    draw: DrawFn, order_line: OrderLine, in_order_units: Decimal, units: Decimal
) -> dict[str, Any]:
    """Net amount and printed price of a quantity, near the limits of price and of arithmetic."""
    at_order_price = in_order_units * order_line.unit_price / order_line.price_base
    if order_line.amount_based:
        net = draw(decimals("100", "60", "40", "33.33", "100.01", "0.01", "110"))
        return {"net": net, "unit_price": draw(st.sampled_from([None, net]))}
    if draw(rarely(4)):
        dearer = draw(decimals("50.00", "49.99", "50.01", "0.01", "10.00", "1000.00", "-50.01"))
        return {"net": max(cents(at_order_price) + dearer, ZERO), "unit_price": None}
    factor = draw(decimals("1", "1", "1", "1", "1.02", "0.98", "1.0201", "0.9799", "1.05", "1.2"))
    if draw(rarely(6)):
        exact = (at_order_price * factor).quantize(FOUR_PLACES) + draw(decimals("0", "0.0001", "-0.0001"))
        return {"net": exact, "unit_price": None}
    per_billed_unit = order_line.unit_price * factor * (in_order_units / units if units else 1)
    price = per_billed_unit.quantize(SIX_PLACES)
    charge, allowance = draw(
        st.sampled_from([(0, 0), (0, 0), (0, 0), (0, 0), (0, 0), (5, 0), (0, 3), (50, 0)])
    )
    net = cents(units * price / order_line.price_base) + charge - allowance
    if net < 0:
        net, charge = net + 5, charge + 5
    off = draw(slip(10, "0.01", "0.02", "0.03", "-0.02", "-0.03", "0.0201"))
    return {
        "net": net + off,
        "unit_price": price,
        "price_base": order_line.price_base,
        "charge": Decimal(charge),
        "allowance": Decimal(allowance),
    }


@st.composite
def draw_line(draw: DrawFn, masters: Masters, order_line: OrderLine, position: int) -> InvoiceLine:
    """A line that mostly names its order line and its unit rightly."""
    in_order_units = draw(draw_quantity(masters, order_line))
    uom = draw(st.sampled_from(["DZN", "CT", "SET", "XPP", None])) if draw(rarely(5)) else "EA"
    units = in_order_units
    for factor in FACTORS:
        if factor.from_uom == uom and factor.item in ("*", order_line.item):
            units = (in_order_units * factor.denominator / factor.numerator).quantize(FOUR_PLACES)
            units = units or in_order_units
    right = (order_line.po_number, order_line.po_line)
    key = order_line.po_line.lstrip("0")
    wrong = [
        (right[0], key),
        (right[0], f"0{key}"),
        (None, key),
        (right[0], None),
        (right[0], "77"),
        ("P9", key),
    ]
    po_number, po_line = draw(st.sampled_from(wrong)) if draw(rarely(10)) else right
    tax_rate = draw(st.sampled_from([None, order_line.tax_rate]))
    tax_rate = Decimal(19) if draw(rarely(30)) else tax_rate
    return InvoiceLine(
        position=position,
        quantity=units,
        uom=uom,
        po_number=po_number,
        po_line=po_line,
        tax_rate=tax_rate,
        tax_category=draw(st.sampled_from([None, "S"])) if tax_rate is None else "S",
        **draw(draw_amounts(order_line, in_order_units, units)),
    )


@st.composite
def draw_taxes(draw: DrawFn, lines: Sequence[InvoiceLine]) -> tuple[Tax, ...]:
    """One tax row for all lines or one for each, mostly computed rightly; a few have none."""
    if draw(rarely(40)):
        return ()
    rows = []
    parts = [[line] for line in lines] if draw(rarely(4)) else [list(lines)]
    for part in parts:
        rate = draw(decimals("20", "19", "7", "5.5", "0"))
        category = draw(st.sampled_from(["Z", "E"])) if rate == 0 else "S"
        taxable = sum((line.net for line in part), ZERO) + draw(slip(30, "0.01", "-0.01", "1"))
        off = draw(slip(10, "0.01", "0.02", "-0.01", "-0.02", "0.0051", "-0.015"))
        rows.append(
            Tax(
                category=draw(st.sampled_from(["AE", "K", "O"])) if draw(rarely(40)) else category,
                rate=rate,
                taxable=taxable,
                tax=cents(taxable * rate / 100) + off,
            )
        )
    return tuple(rows)


@st.composite
def draw_totals(draw: DrawFn, lines: Sequence[InvoiceLine], taxes: Sequence[Tax]) -> Totals:
    """Totals that mostly tie; a few are off by about a cent, and a few have what only a person can judge."""
    totals = write_totals(lines, taxes)
    if draw(rarely(8)):
        names = draw(st.sampled_from(CARRIED_ON))
        off = draw(decimals("0.01", "-0.01", "0.005", "-0.005", "0.0049", "-0.0051", "1"))
        totals = replace(totals, **{name: getattr(totals, name) + off for name in names})
    if draw(rarely(40)):
        part = draw(st.sampled_from(["allowance", "charge"]))
        sign = -1 if part == "allowance" else 1
        changed = {name: getattr(totals, name) + sign * 10 for name in ("net", "gross", "payable")}
        totals = replace(totals, **changed, **{part: Decimal(10)})
    return totals


@st.composite
def draw_invoice(draw: DrawFn, number: int, masters: Masters, earlier: Sequence[Invoice]) -> Invoice:
    """A document of its own, or a copy of an earlier one that differs in little."""
    ref = f"I{number}"
    content_hash = sha256(f"{draw(st.integers(0, 3))}-{ref}".encode()).digest()
    if draw(rarely(7)) and earlier:
        copied = draw(st.sampled_from(earlier))
        return replace(
            copied,
            ref=ref,
            content_hash=content_hash,
            booking_no=None,
            issued=draw(st.sampled_from([copied.issued, *DAYS])),
            number=draw(draw_spelling(copied.number)),
            group="another sender" if draw(rarely(6)) else copied.group,
            kind=draw(st.sampled_from(["invoice", "credit_note"])) if draw(rarely(6)) else copied.kind,
        )
    first = draw(st.sampled_from(masters.order_lines))
    same_supplier = [known for known in masters.order_lines if known.supplier_id == first.supplier_id]
    order_lines = [first] + [
        draw(st.sampled_from(masters.order_lines if draw(rarely(6)) else same_supplier))
        for _ in range(draw(st.integers(0, 2)))
    ]
    lines = tuple(
        draw(draw_line(masters, order_line, position))
        for position, order_line in enumerate(order_lines, start=1)
    )
    taxes = draw(draw_taxes(lines))
    supplier = (
        None
        if draw(rarely(25))
        else next(known for known in masters.suppliers if known.supplier_id == first.supplier_id)
    )
    kind = "credit_note" if draw(rarely(4)) else "invoice"
    usual_type = "381" if kind == "credit_note" else "380"
    return Invoice(
        ref=ref,
        number=draw(draw_number(number, [one.number for one in earlier])),
        issued=draw(st.sampled_from(DAYS)),
        supplier_id=None if supplier is None else supplier.supplier_id,
        group="unknown sender" if supplier is None else supplier.group,
        lines=lines,
        taxes=taxes,
        totals=draw(draw_totals(lines, taxes)),
        content_hash=content_hash,
        kind=kind,
        type_code=draw(st.sampled_from(["384", "389", None])) if draw(rarely(30)) else usual_type,
        entity=first.entity,
        currency="USD" if draw(rarely(40)) else first.currency,
        po_number=draw(st.sampled_from([None, first.po_number])),
        duplicates_evaluable=not draw(rarely(12)),
        rejected=draw(rarely(15)),
        booking_no=number if draw(rarely(7)) else None,
        approved=draw(rarely(10)),
        payee_iban=OTHER_IBAN if draw(rarely(25)) else draw(st.sampled_from([None, IBAN, SPACED_IBAN])),
    )
