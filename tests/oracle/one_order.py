"""Books about one order line of 100 at 10.00, received in full unless said otherwise."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from tests.oracle.book import Book, Invoice, InvoiceLine, OrderLine, Receipt, Supplier, Tax, Tolerance
from tests.oracle.book import shipped_tolerances as shipped
from tests.oracle.writing import write_invoice, write_line, write_totals

ORDER = OrderLine(
    po_number="P1",
    po_line="00010",
    supplier_id="S1",
    quantity=Decimal(100),
    unit_price=Decimal(10),
    item="PEN",
    category="OFFICE",
)
SERVICE = replace(ORDER, amount_based=True, quantity=Decimal(0), unit_price=Decimal(0))
Named = dict[str, tuple[Book, dict[str, set[str]]]]


def received(quantity: str, value: str | None = None) -> Receipt:
    """A receipt on the order line."""
    return Receipt(
        number=f"R{quantity}/{value}",
        line="1",
        po_number="P1",
        po_line="10",
        quantity=Decimal(quantity),
        value=None if value is None else Decimal(value),
    )


ALL_RECEIVED = (received("100"),)


def a_book(*invoices: Invoice, limits: tuple[Tolerance, ...] = (), **fields: Any) -> Book:
    """One order line of 100 at 10.00, received in full, unless said otherwise."""
    replaced = {limit.code for limit in limits}
    given: dict[str, Any] = {
        "business_date": date(2026, 3, 10),
        "suppliers": (
            Supplier(supplier_id="S1", group="G1"),
            Supplier(supplier_id="S2", group="G2"),
            Supplier(supplier_id="S3", group="G3", blocked=True),
        ),
        "order_lines": (ORDER,),
        "receipts": ALL_RECEIVED,
        "tolerances": (*(row for row in shipped() if row.code not in replaced), *limits),
    }
    return Book(invoices=invoices, **{**given, **fields})


def billed(ref: str, quantity: str, price: str | None = "10", day: int = 1, **fields: Any) -> Invoice:
    """An invoice over one line."""
    return of_lines(ref, write_line(quantity, price), day=day, **fields)


def of_lines(ref: str, *lines: InvoiceLine, day: int = 1, **fields: Any) -> Invoice:
    """An invoice over these lines."""
    return write_invoice(ref, lines, issued=date(2026, 3, day), **fields)


def apart(*lines: InvoiceLine) -> tuple[Invoice, ...]:
    """Invoices A, B, C and so on over one line each, a day after another."""
    return tuple(of_lines("ABCDEF"[at], line, day=at + 1) for at, line in enumerate(lines))


def credited(ref: str, quantity: str, price: str = "10", day: int = 20, **fields: Any) -> Invoice:
    """A credit note over one line."""
    return billed(ref, quantity, price, day, kind="credit_note", type_code="381", **fields)


def priced(net: str, quantity: str = "10", **fields: Any) -> InvoiceLine:
    """A line with a net amount and no printed price."""
    return write_line(quantity, None, net=Decimal(net), **fields)


def off_by_one(document: Invoice) -> Invoice:
    """The document with 1.00 more due than it adds up to: TOTAL_ARITH, which blocks posting."""
    return replace(document, totals=replace(document.totals, payable=document.totals.payable + 1))


def limit(code: str, pct: str | None = None, absolute: str | None = None, **scope: Any) -> Tolerance:
    """A limit in percent, absolute, or both."""
    return Tolerance(
        code=code,
        up_pct=None if pct is None else Decimal(pct),
        up_abs=None if absolute is None else Decimal(absolute),
        **scope,
    )


def with_orders(*order_lines: OrderLine) -> dict[str, Any]:
    """The order lines of a book."""
    return {"order_lines": order_lines}


def of_tax(ref: str, tax: str, day: int = 1) -> Invoice:
    """An invoice over 10.05 with 20 % tax (exactly 2.01) printed as given, in totals that tie."""
    line = priced("10.05", "1")
    rows = (Tax(category="S", rate=Decimal(20), taxable=line.net, tax=Decimal(tax)),)
    return of_lines(ref, line, day=day, taxes=rows, totals=write_totals([line], rows))
