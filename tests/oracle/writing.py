"""Write documents that add up, so that a test or a strategy only has to say what is wrong with one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from hashlib import sha256
from typing import Any

from tests.oracle.book import ZERO, Invoice, InvoiceLine, Tax, Totals

CENT = Decimal("0.01")


def cents(amount: Decimal) -> Decimal:
    """Round to cents, commercially."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


def write_totals(lines: Sequence[InvoiceLine], taxes: Sequence[Tax]) -> Totals:
    """Return the totals that these lines and taxes add up to."""
    net = sum((line.net for line in lines), ZERO)
    tax = sum((row.tax for row in taxes), ZERO)
    return Totals(line_total=net, net=net, tax=tax, gross=net + tax, payable=net + tax)


def write_tax(lines: Sequence[InvoiceLine], rate: Decimal, category: str = "S") -> Tax:
    """Return the one tax row of a document with one rate."""
    net = sum((line.net for line in lines), ZERO)
    return Tax(category=category, rate=rate, taxable=net, tax=cents(net * rate / 100))


def write_invoice(ref: str, lines: Sequence[InvoiceLine], **fields: Any) -> Invoice:
    """Return a document with consistent tax (20 %) and totals; ``fields`` overrides anything else."""
    numbered = tuple(replace(line, position=position) for position, line in enumerate(lines, start=1))
    taxes = (write_tax(numbered, Decimal(20)),)
    given: dict[str, Any] = {
        "number": ref,
        "issued": date(2026, 3, 2),
        "supplier_id": "S1",
        "group": "G1",
        "lines": numbered,
        "taxes": taxes,
        "totals": write_totals(numbered, taxes),
        "content_hash": sha256(ref.encode()).digest(),
    }
    return Invoice(ref=ref, **{**given, **fields})


def write_line(quantity: str, price: str | None, **fields: Any) -> InvoiceLine:
    """Return a line on order P1, line 10; ``net`` is quantity times price unless given."""
    given: dict[str, Any] = {"po_number": "P1", "po_line": "10", "position": 1, "quantity": Decimal(quantity)}
    if price is not None:
        given |= {"unit_price": Decimal(price), "net": Decimal(quantity) * Decimal(price)}
    return InvoiceLine(**{**given, **fields})
