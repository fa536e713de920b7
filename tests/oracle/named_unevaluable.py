"""Books about facts for which no check is built, so that only a person can judge (see named_books)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from tests.oracle.book import Book, Invoice, InvoiceLine, Supplier, Tax
from tests.oracle.one_order import (
    ORDER,
    SERVICE,
    Named,
    a_book,
    billed,
    credited,
    of_lines,
    received,
    with_orders,
)
from tests.oracle.writing import write_line, write_totals

IBAN = "DE89370400440532013000"
OTHER_IBAN = "DE02120300000000202051"


def from_supplier(*invoices: Invoice, **facts: Any) -> Book:
    """A book whose one supplier is on record with these facts."""
    return a_book(*invoices, suppliers=(Supplier(supplier_id="S1", group="G1", **facts),))


def taxed(net: str, rate: str | None = None, **fields: Any) -> InvoiceLine:
    """A line over this net amount at 10.00 with its own tax rate and category."""
    quantity = str(Decimal(net) / 10)
    rate_stated = None if rate is None else Decimal(rate)
    return write_line(quantity, None, net=Decimal(net), tax_category="S", tax_rate=rate_stated, **fields)


def of_bases(ref: str, *bases: str, day: int = 1) -> Invoice:
    """An invoice over 100.00 net with 20 % tax on each of these bases, in totals that tie."""
    line = taxed("100")
    rows = tuple(
        Tax(category="S", rate=Decimal(20), taxable=Decimal(base), tax=Decimal(base) / 5) for base in bases
    )
    return of_lines(ref, line, day=day, taxes=rows, totals=write_totals([line], rows))


def untaxed(ref: str, line: InvoiceLine, day: int) -> Invoice:
    """An invoice without any tax or tax breakdown."""
    return of_lines(ref, line, day=day, taxes=(), totals=write_totals([line], ()))


UNEVALUABLE: Named = {
    "by value, two-way": (
        a_book(
            billed("A", "1", "100"),
            credited("C", "1", "1"),
            **with_orders(replace(SERVICE, match_type=2)),
            receipts=(),
        ),
        # what is parked bills nothing that could be credited
        {"A": {"NOT_EVALUABLE"}, "C": {"NOT_EVALUABLE", "CREDIT_EXCESS"}},
    ),
    "by value, three-way": (
        a_book(billed("A", "1", "100"), **with_orders(SERVICE), receipts=(received("1", "100"),)),
        {},
    ),
    "ordered after the invoice": (
        a_book(
            billed("A", "1", day=1),
            billed("B", "1", day=2),
            **with_orders(replace(ORDER, order_date=date(2026, 3, 2))),
        ),
        {"A": {"NOT_EVALUABLE"}},
    ),
    "it is not known whether the supplier is blocked": (
        from_supplier(billed("A", "1"), blocked=None),
        {"A": {"NOT_EVALUABLE"}},
    ),
    "a blocked supplier": (from_supplier(billed("A", "1"), blocked=True), {"A": {"NOT_EVALUABLE"}}),
    # A 20 % as ordered, B 19 %, C nothing stated
    "another tax rate than ordered": (
        a_book(
            of_lines("A", taxed("10", "20.0")),
            of_lines("B", taxed("10", "19"), day=2),
            of_lines("C", taxed("10"), day=3),
            **with_orders(replace(ORDER, tax_rate=Decimal(20))),
        ),
        {"B": {"NOT_EVALUABLE"}},
    ),
    "no tax rate ordered": (a_book(of_lines("A", taxed("10", "19"))), {}),
    # 60 + 40 = 100; 90 and 100.01 are not
    "taxable amounts that do not add up": (
        a_book(
            of_bases("A", "60", "40"),
            of_bases("B", "90", day=2),
            of_bases("C", "100.01", day=3),
            **with_orders(replace(ORDER, quantity=Decimal(1000))),
            receipts=(received("1000"),),
        ),
        {"B": {"NOT_EVALUABLE"}, "C": {"NOT_EVALUABLE"}},
    ),
    # B states categories and has nothing to tax, C says nothing of tax
    "no tax breakdown": (
        a_book(
            untaxed("A", taxed("10"), 1),
            untaxed("B", replace(taxed("10"), net=Decimal(0)), 2),
            untaxed("C", write_line("1", "10"), 3),
        ),
        {"A": {"NOT_EVALUABLE"}},
    ),
    "another bank account than on record": (
        from_supplier(
            billed("A", "1", payee_iban=OTHER_IBAN),
            billed("B", "1", payee_iban="de89 3704 0044 0532 0130 00", day=2),
            billed("C", "1", day=3),
            iban="DE89 3704 0044 0532 0130 00",
        ),
        {"A": {"NOT_EVALUABLE"}},
    ),
    "no bank account on record": (from_supplier(billed("A", "1", payee_iban=IBAN)), {}),
    "an order line in doubt": (
        a_book(billed("A", "1"), **with_orders(replace(ORDER, doubtful=True))),
        {"A": {"NOT_EVALUABLE"}},
    ),
}
