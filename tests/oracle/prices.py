"""The price of what a document bills on an order line: all of its lines there together (``pi = net / qi``)."""

from __future__ import annotations

from fractions import Fraction

from tests.oracle.amounts import Amount, Findings, value_at_order_price
from tests.oracle.book import Book, Invoice, OrderLine
from tests.oracle.limits import is_exceeded, limit_for


def judge_price(book: Book, order_line: OrderLine, invoice: Invoice, amount: Amount) -> Findings:
    """Compare what a document bills on the order line with what that costs at the order price."""
    found = Findings()
    if order_line.amount_based:
        return found
    variance = price_variance(order_line, invoice, amount)
    at_order_price = value_at_order_price(order_line, amount.quantity)
    if is_exceeded(variance, at_order_price, limit_for(book, "PRICE", invoice.entity, order_line)):
        found.add("PRICE", variance)
    return found


def price_variance(order_line: OrderLine, invoice: Invoice, amount: Amount) -> Fraction:
    """Return what a document costs above the order price; for a credit note, what it gives back too little.

    Worked: 90 at 11 against an order price of 10 is 990 - 900 = 90; 10 at 11 and 10 at 9 is 200 - 200 = 0.
    """
    variance = amount.value - value_at_order_price(order_line, amount.quantity)
    return -variance if invoice.kind == "credit_note" else variance
