"""An invoice or credit note before it is written down: lines, totals, and what was planted in it."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from backoffice.sandbox.generator.model import Fault, Kind, Supplier

CENT = Decimal("0.01")
ZERO = Decimal("0.00")
PRICE_PLACES = 6

DISCOUNTS = ((14, Decimal("2.00")), (10, Decimal("3.00")), (21, Decimal("1.50")))
_ONE_IN = 3
_LONG_TERMS = 30

TaxKey = tuple[str, Decimal]
"""Tax category code (S, Z, E) and rate in percent."""


def money(amount: Decimal) -> Decimal:
    """The amount in cents, half a cent rounded away from zero: 1.005 gives 1.01."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


@dataclass(slots=True)
class DraftLine:
    """One billed or credited line; ``price`` is per ``base`` units and ``net`` is what is printed."""

    number: str
    po_line: str | None
    order_key: tuple[str, str] | None
    item: str
    description: str
    quantity: Decimal
    uom: str
    price: Decimal
    base: Decimal
    net: Decimal
    tax_rate: Decimal
    tax_category: str
    allowance: Decimal = ZERO
    faults: list[Fault] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)

    def count(self, quantity: Decimal) -> None:
        """Bill another quantity at the same price."""
        self.quantity = quantity
        self.net = money(quantity * self.price / self.base)

    def charge(self, net: Decimal) -> None:
        """Bill another net amount for the same quantity, with the unit price that gives it exactly."""
        price = net * self.base / self.quantity
        if price * self.quantity != net * self.base or price != round(price, PRICE_PLACES):
            raise ValueError(f"{net} for {self.quantity} has no exact unit price in {PRICE_PLACES} places")
        self.net, self.price = net, price

    def plant(self, fault: Fault, *codes: str) -> None:
        """Note what was altered here and which codes must come of it."""
        self.faults.append(fault)
        self.codes.extend(code for code in codes if code not in self.codes)


@dataclass(frozen=True, slots=True)
class Subtotal:
    """Taxable amount and printed tax of one tax category."""

    category: str
    rate: Decimal
    taxable: Decimal
    tax: Decimal


@dataclass(frozen=True, slots=True)
class Totals:
    """The printed totals of a document (BT-106, BT-109, BT-110, BT-112, BT-115)."""

    lines: Decimal
    tax_exclusive: Decimal
    tax: Decimal
    tax_inclusive: Decimal
    payable: Decimal


@dataclass(slots=True)
class Draft:
    """A document before it is sent. Amounts are in ``currency``.

    ``supplier_id`` is the sender's identifier in the master data, None for somebody unknown there.
    """

    kind: Kind
    supplier: Supplier
    supplier_id: str | None
    number: str
    issued: date
    due: date
    currency: str
    po_number: str | None
    lines: list[DraftLine]
    receipt_number: str | None = None
    preceding: tuple[str, date] | None = None
    note: str | None = None
    names_seller: bool = True
    tax_shifts: dict[TaxKey, Decimal] = field(default_factory=dict)
    total_shifts: dict[str, Decimal] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)

    def plant(self, fault: Fault, *codes: str) -> None:
        """Note what was altered in the document as a whole and which codes must come of it."""
        self.faults.append(fault)
        self.codes.extend(code for code in codes if code not in self.codes)

    def discount(self) -> tuple[date, int, Decimal] | None:
        """Last day, days and percentage of a discount for paying early.

        Some invoices give one, where payment is due in a month or later. It follows from the number, so that
        the same company is the same with and without it.
        """
        chosen = zlib.crc32(self.number.encode())
        if self.kind != "invoice" or (self.due - self.issued).days < _LONG_TERMS or chosen % _ONE_IN:
            return None
        days, percent = DISCOUNTS[chosen // _ONE_IN % len(DISCOUNTS)]
        return self.issued + timedelta(days=days), days, percent

    def subtotals(self) -> list[Subtotal]:
        """Tax per category: the rounded tax plus what was planted on it."""
        taxable: dict[TaxKey, Decimal] = {}
        for line in self.lines:
            key = (line.tax_category, line.tax_rate)
            taxable[key] = taxable.get(key, ZERO) + line.net
        return [
            Subtotal(key[0], key[1], base, money(base * key[1] / 100) + self.tax_shifts.get(key, ZERO))
            for key, base in sorted(taxable.items())
        ]

    def totals(self) -> Totals:
        """The printed totals; a planted difference is carried on into the totals that build on it."""
        shift = self.total_shifts
        lines = sum((line.net for line in self.lines), ZERO) + shift.get("lines", ZERO)
        tax = sum((subtotal.tax for subtotal in self.subtotals()), ZERO)
        inclusive = lines + tax + shift.get("tax_inclusive", ZERO)
        return Totals(lines, lines, tax, inclusive, inclusive + shift.get("payable", ZERO))
