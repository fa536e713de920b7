"""A small book of purchases: the facts that matching judges, as plain values.

Quantities, prices and amounts are the printed ``Decimal``; the judges turn them into ``Fraction``. A document
is called by its ``ref`` (a name of the test's own, never stored), a line by ``(ref, position)``.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from datetime import date
from decimal import Decimal
from typing import Any

ENTITY = "1000"
ZERO = Decimal(0)
ONE = Decimal(1)
MACHINE_LIMIT = Decimal("100000.00")


class Fact:
    """Shows itself without what is as usual, so that a failing example can be read."""

    def __repr__(self) -> str:
        shown = [
            f"{field.name}={_shown(getattr(self, field.name))}"
            for field in fields(self)  # type: ignore[arg-type]
            if field.default is MISSING or getattr(self, field.name) != field.default
        ]
        return f"{type(self).__name__}({', '.join(shown)})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """The same where Hypothesis prints a failing example."""
        printer.text(repr(self))


def _shown(value: object) -> str:
    if isinstance(value, Decimal | date):
        return str(value)
    return f"{value[:4].hex()}..." if isinstance(value, bytes) else repr(value)


@dataclass(frozen=True, kw_only=True, repr=False)
class Supplier(Fact):
    """A supplier known to the company; suppliers of one group count as one where duplicates are sought.

    ``blocked`` None: the source does not say.
    """

    supplier_id: str
    group: str
    blocked: bool | None = False
    iban: str | None = None


@dataclass(frozen=True, kw_only=True, repr=False)
class OrderLine(Fact):
    """One line of a purchase order; ``unit_price`` is per ``price_base`` order units."""

    po_number: str
    po_line: str
    supplier_id: str
    quantity: Decimal = ZERO
    unit_price: Decimal = ZERO
    price_base: Decimal = ONE
    uom: str = "EA"
    entity: str = ENTITY
    currency: str = "EUR"
    item: str | None = None
    category: str | None = None
    amount_based: bool = False
    match_type: int = 3
    gr_based: bool = False
    approved: bool = True
    closed: bool = False
    tax_rate: Decimal | None = None
    order_date: date | None = None
    doubtful: bool = False  # a newer version of it stands in quarantine
    ordered_value: Decimal | None = None

    @property
    def line_key(self) -> str:
        """The line number without leading zeros, which do not matter."""
        return self.po_line.lstrip("0")


@dataclass(frozen=True, kw_only=True, repr=False)
class Receipt(Fact):
    """One receipt line in order units; returns and reversals are negative. ``value`` None: not known."""

    number: str
    line: str
    po_number: str
    po_line: str
    quantity: Decimal
    value: Decimal | None = None
    entity: str = ENTITY
    reverses: tuple[str, str] | None = None


@dataclass(frozen=True, kw_only=True, repr=False)
class InvoiceLine(Fact):
    """One line of an invoice or credit note; ``unit_price`` None: no price is printed."""

    position: int
    quantity: Decimal
    net: Decimal
    unit_price: Decimal | None = None
    price_base: Decimal = ONE
    allowance: Decimal = ZERO
    charge: Decimal = ZERO
    uom: str | None = "EA"
    po_number: str | None = None
    po_line: str | None = None
    tax_category: str | None = None
    tax_rate: Decimal | None = None


@dataclass(frozen=True, kw_only=True, repr=False)
class Tax(Fact):
    """One row of the tax breakdown; ``rate`` in percent."""

    category: str
    rate: Decimal
    taxable: Decimal
    tax: Decimal


@dataclass(frozen=True, kw_only=True, repr=False)
class Totals(Fact):
    """The printed totals of a document."""

    line_total: Decimal
    net: Decimal
    tax: Decimal
    gross: Decimal
    payable: Decimal
    allowance: Decimal = ZERO
    charge: Decimal = ZERO
    prepaid: Decimal = ZERO
    rounding: Decimal = ZERO


@dataclass(frozen=True, kw_only=True, repr=False)
class Invoice(Fact):
    """An invoice or credit note. ``booking_no`` None: not booked; ``supplier_id`` None: sender unknown.

    ``approved``: a person approved an amount above the machine's limit.
    """

    ref: str
    number: str
    issued: date
    supplier_id: str | None
    group: str
    lines: tuple[InvoiceLine, ...]
    taxes: tuple[Tax, ...]
    totals: Totals
    content_hash: bytes
    kind: str = "invoice"
    type_code: str | None = "380"
    entity: str = ENTITY
    currency: str = "EUR"
    po_number: str | None = None
    duplicates_evaluable: bool = True
    rejected: bool = False
    booking_no: int | None = None
    approved: bool = False
    payee_iban: str | None = None

    @property
    def booked(self) -> bool:
        """Whether it is posted."""
        return self.booking_no is not None


@dataclass(frozen=True, kw_only=True, repr=False)
class Tolerance(Fact):
    """Limits of one code in one scope; None: this field says nothing here."""

    code: str
    up_pct: Decimal | None = None
    up_abs: Decimal | None = None
    combine: str | None = None
    entity: str | None = None
    category: str | None = None
    supplier_id: str | None = None
    item: str | None = None
    po_number: str | None = None
    po_line: str | None = None
    effective_from: date = date(2000, 1, 1)
    effective_to: date | None = None


@dataclass(frozen=True, kw_only=True, repr=False)
class UomFactor(Fact):
    """quantity in ``to_uom`` = quantity in ``from_uom`` * numerator / denominator; item ``*``: any item."""

    from_uom: str
    to_uom: str
    numerator: int
    denominator: int
    item: str = "*"


def shipped_tolerances() -> tuple[Tolerance, ...]:
    """Return the default limits as the product's documentation states them."""
    quantities = [
        Tolerance(code=code, up_pct=ZERO, up_abs=ZERO, combine="strictest")
        for code in ("QTY_ORD", "QTY_REC", "AMT_REC")
    ]
    money = {
        "NO_RECEIPT": "0",
        "CREDIT_EXCESS": "0",
        "LINE_ARITH": "0.02",
        "TOTAL_ARITH": "0",
        "TAX_TOTAL": "0.01",
    }
    return (
        *quantities,
        Tolerance(code="PRICE", up_pct=Decimal(2), up_abs=Decimal("50.00"), combine="strictest"),
        *(Tolerance(code=code, up_abs=Decimal(limit), combine="strictest") for code, limit in money.items()),
    )


@dataclass(frozen=True, kw_only=True)
class Book:
    """Everything one evaluation looks at. ``entities`` maps each entity to its ledger currency.

    ``machine_limit``: up to this gross amount a document may be posted without a person.
    """

    business_date: date
    suppliers: tuple[Supplier, ...]
    order_lines: tuple[OrderLine, ...]
    receipts: tuple[Receipt, ...]
    invoices: tuple[Invoice, ...]
    tolerances: tuple[Tolerance, ...]
    factors: tuple[UomFactor, ...] = ()
    entities: tuple[tuple[str, str], ...] = ((ENTITY, "EUR"),)
    machine_limit: Decimal = MACHINE_LIMIT

    def __str__(self) -> str:
        usual = shipped_tolerances()
        limits = [row for row in self.tolerances if row not in usual]
        without = [f"no {row.code} as shipped" for row in usual if row not in self.tolerances]
        if self.machine_limit != MACHINE_LIMIT:
            without.append(f"machine limit {self.machine_limit}")
        facts = (*self.suppliers, *self.order_lines, *self.receipts, *self.invoices, *limits, *without)
        return "\n".join(str(fact) for fact in facts)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Leave the book out where Hypothesis prints a failing example: the message shows it."""
        printer.text("...")

    def ledger_currency(self, entity: str) -> str:
        """Return the currency an entity keeps its books in."""
        return dict(self.entities)[entity]

    def supplier(self, supplier_id: str | None) -> Supplier | None:
        """Return the supplier of this id, if known."""
        return next((supplier for supplier in self.suppliers if supplier.supplier_id == supplier_id), None)

    def receipts_of(self, order_line: OrderLine) -> list[Receipt]:
        """Return the receipt lines of one order line."""
        return [
            receipt
            for receipt in self.receipts
            if receipt.entity == order_line.entity
            and receipt.po_number == order_line.po_number
            and receipt.po_line.lstrip("0") == order_line.line_key
        ]
