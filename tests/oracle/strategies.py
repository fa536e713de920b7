"""Random small books for comparing the oracle with the product."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from tests.oracle.book import MACHINE_LIMIT, Book, Invoice
from tests.oracle.draw_crowds import draw_crowded_book
from tests.oracle.draw_invoices import Masters, draw_invoice
from tests.oracle.draw_limits import BUSINESS_DATE, draw_tolerances
from tests.oracle.draw_masters import FACTORS, draw_order_line, draw_receipts, draw_suppliers

MACHINE_LIMITS = [MACHINE_LIMIT, MACHINE_LIMIT, Decimal(100), Decimal(1000)]


def books() -> SearchStrategy[Book]:
    """Books of everything, and books of many documents on one or two order lines."""
    return draw_book() | draw_crowded_book()


@st.composite
def draw_book(draw: DrawFn) -> Book:
    """One to three suppliers, one to four order lines, up to six receipts, one to six documents."""
    suppliers = draw(draw_suppliers())
    order_lines = tuple(
        draw(draw_order_line(number, suppliers)) for number in range(10, 10 * draw(st.integers(1, 4)) + 1, 10)
    )
    masters = Masters(suppliers, order_lines, draw(draw_receipts(order_lines)))
    invoices: list[Invoice] = []
    for number in range(1, draw(st.integers(1, 6)) + 1):
        invoices.append(draw(draw_invoice(number, masters, invoices)))
    return Book(
        business_date=BUSINESS_DATE,
        suppliers=suppliers,
        order_lines=order_lines,
        receipts=masters.receipts,
        invoices=book_in_other_order(invoices, draw(st.booleans())),
        tolerances=draw(draw_tolerances(order_lines)),
        factors=FACTORS,
        entities=(("1000", "EUR"), ("2000", "USD")),
        machine_limit=draw(st.sampled_from(MACHINE_LIMITS)),
    )


def book_in_other_order(invoices: list[Invoice], backwards: bool) -> tuple[Invoice, ...]:
    """Let documents be booked in the order they are listed in, or the other way round."""
    if not backwards:
        return tuple(invoices)
    return tuple(
        invoice if invoice.booking_no is None else replace(invoice, booking_no=100 - invoice.booking_no)
        for invoice in invoices
    )
