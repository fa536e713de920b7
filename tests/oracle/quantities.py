"""Cumulative checks: what one order line was billed against what was ordered and received.

Each invoice is judged by what it and the invoices before it bill together, so that many partial invoices
cannot creep past a limit, less all that is credited on the order line, whenever.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from tests.oracle.amounts import Amount, Documents, Findings, only, value_at_order_price
from tests.oracle.book import Book, OrderLine
from tests.oracle.limits import is_above, is_exceeded, limit_for


@dataclass(frozen=True)
class Received:
    """What was received on one order line, net of returns and reversals."""

    quantity: Fraction
    known_value: Fraction
    receipts_of_unknown_value: int

    def is_nothing(self, order_line: OrderLine) -> bool:
        """Say whether nothing is left of what was received; a receipt of unknown value is something."""
        if order_line.amount_based:
            return self.known_value <= 0 and self.receipts_of_unknown_value == 0
        return self.quantity <= 0


def received_on(book: Book, order_line: OrderLine) -> Received:
    """Add up the receipts of an order line."""
    receipts = book.receipts_of(order_line)
    return Received(
        sum((Fraction(receipt.quantity) for receipt in receipts), Fraction(0)),
        sum((Fraction(receipt.value) for receipt in receipts if receipt.value is not None), Fraction(0)),
        sum(receipt.value is None for receipt in receipts),
    )


def judge_quantities(
    book: Book, order_line: OrderLine, documents: Documents, credited: Amount
) -> dict[str, Findings]:
    """Return the findings of each invoice on the order line; ``credited`` is what the credit notes take off.

    Worked: of 100 received, 60 and 60 are billed and 20 credited: the second invoice stands at 120 - 20 = 100.
    """
    received = received_on(book, order_line)
    findings = {}
    billed = Amount()
    for invoice, amount in only("invoice", documents):
        billed = billed.plus(amount)
        findings[invoice.ref] = _judge_one(book, order_line, received, billed.minus(credited))
    return findings


def _judge_one(book: Book, order_line: OrderLine, received: Received, billed: Amount) -> Findings:
    found = Findings()
    if not order_line.amount_based:
        _judge_ordered(book, order_line, billed, found)
    if order_line.match_type == 3 and received.is_nothing(order_line):
        _judge_nothing_received(book, order_line, billed, found)
    elif order_line.match_type == 3 and order_line.amount_based:
        _judge_received_value(book, order_line, received, billed, found)
    elif order_line.match_type == 3:
        _judge_received_quantity(book, order_line, received, billed, found)
    return found


def _judge_ordered(book: Book, order_line: OrderLine, billed: Amount, found: Findings) -> None:
    ordered = Fraction(order_line.quantity)
    excess = billed.quantity - ordered
    if is_exceeded(excess, ordered, limit_for(book, "QTY_ORD", order_line.entity, order_line)):
        found.add("QTY_ORD", excess)


def _judge_nothing_received(book: Book, order_line: OrderLine, billed: Amount, found: Findings) -> None:
    value = billed.value if order_line.amount_based else value_at_order_price(order_line, billed.quantity)
    if is_above(value, limit_for(book, "NO_RECEIPT", order_line.entity, order_line)):
        found.add("NO_RECEIPT", value)


def _judge_received_quantity(
    book: Book, order_line: OrderLine, received: Received, billed: Amount, found: Findings
) -> None:
    excess = billed.quantity - received.quantity
    if is_exceeded(excess, received.quantity, limit_for(book, "QTY_REC", order_line.entity, order_line)):
        found.add("QTY_REC", excess)


def _judge_received_value(
    book: Book, order_line: OrderLine, received: Received, billed: Amount, found: Findings
) -> None:
    limit = limit_for(book, "AMT_REC", order_line.entity, order_line)
    excess = billed.value - received.known_value
    if received.receipts_of_unknown_value > 0:
        # what the unknown receipts were worth is not known: no tolerance helps
        checked = limit.up_pct is not None or limit.up_abs is not None
        exceeded = checked and excess > 0
    else:
        exceeded = is_exceeded(excess, received.known_value, limit)
    if exceeded:
        found.add("AMT_REC", excess)
