"""Random books of many invoices and credit notes on the same one or two order lines.

Round numbers, so that what is ordered, received, billed and credited meets often; some documents are booked,
some parked, some above the machine's limit.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from tests.oracle.book import MACHINE_LIMIT, Book, Invoice, InvoiceLine, OrderLine
from tests.oracle.draw_limits import BUSINESS_DATE
from tests.oracle.draw_masters import decimals, rarely
from tests.oracle.one_order import ORDER, SERVICE, a_book, off_by_one, received
from tests.oracle.writing import write_invoice, write_line

DAYS = [date(2026, 3, day) for day in range(1, 6)]


@st.composite
def draw_crowded_book(draw: DrawFn) -> Book:
    """One or two order lines of 100 at 10.00, or by value, and up to seven documents."""
    order_lines = tuple(
        replace(
            draw(st.sampled_from([ORDER, ORDER, ORDER, SERVICE])),
            po_line=po_line,
            gr_based=draw(rarely(3)),
            closed=draw(rarely(12)),
            supplier_id="S2" if draw(rarely(8)) else "S1",
        )
        for po_line in ("10", "20")[: draw(st.sampled_from([1, 2, 2]))]
    )
    # nothing, in part, in full, too much, or all of it returned
    quantities = st.sampled_from([(), ("100",), ("90",), ("60", "60"), ("50", "-50"), ("-10",)])
    receipts = tuple(
        replace(
            received(quantity),
            number=f"R{order_line.po_line}-{number}",
            po_line=order_line.po_line,
            value=draw(st.sampled_from([Decimal(quantity) * 10, Decimal(quantity) * 10, None])),
        )
        for order_line in order_lines
        for number, quantity in enumerate(draw(quantities))
    )
    documents = [draw(draw_document(number, order_lines)) for number in range(1, draw(st.integers(3, 7)) + 1)]
    return replace(
        a_book(*documents),
        business_date=BUSINESS_DATE,
        order_lines=order_lines,
        receipts=receipts,
        machine_limit=draw(st.sampled_from([MACHINE_LIMIT, MACHINE_LIMIT, Decimal(600)])),
    )


@st.composite
def draw_document(draw: DrawFn, number: int, order_lines: tuple[OrderLine, ...]) -> Invoice:
    """An invoice or a credit note over one to three lines."""
    lines = [draw(draw_line(order_lines)) for _ in range(draw(st.sampled_from([1, 1, 2, 2, 3])))]
    document = write_invoice(
        f"I{number}",
        lines,
        number="ABCDEFG"[number - 1],
        issued=draw(st.sampled_from(DAYS)),
        booking_no=draw(st.sampled_from([number, 100 - number])) if draw(rarely(4)) else None,
        rejected=draw(rarely(25)),
        approved=draw(rarely(4)),
    )
    if draw(st.booleans()):
        document = replace(document, kind="credit_note", type_code="381")
    return off_by_one(document) if draw(rarely(5)) else document


@st.composite
def draw_line(draw: DrawFn, order_lines: tuple[OrderLine, ...]) -> InvoiceLine:
    """A line at, just above or just below the order price."""
    order_line = draw(st.sampled_from(order_lines))
    quantity = draw(decimals("10", "20", "30", "40", "50", "60", "60", "0.001"))
    price = draw(decimals("10", "10", "10", "10.2", "10.3", "9.8", "9.7"))
    uom = "XPP" if draw(rarely(20)) else "EA"
    return write_line(str(quantity), None, net=quantity * price, po_line=order_line.po_line, uom=uom)
