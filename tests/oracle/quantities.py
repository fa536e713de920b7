"""Cumulative checks: what one order line was billed and credited against what was ordered and received.

All documents on the order line are walked in business order. Each document is judged by what it and the
documents before it bill together, so that many partial invoices cannot creep past a limit.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from fractions import Fraction

from tests.oracle.book import Book, Invoice, OrderLine
from tests.oracle.duplicates import business_order
from tests.oracle.limits import is_above, is_exceeded, limit_for
from tests.oracle.lines import ReadLine, value_at_order_price


@dataclass(frozen=True)
class Amount:
    """A quantity in order units and a net value, of invoices or of credit notes."""

    quantity: Fraction = Fraction(0)
    value: Fraction = Fraction(0)

    def plus(self, other: Amount, sign: int = 1) -> Amount:
        """Add the other amount, or take it off."""
        return Amount(self.quantity + sign * other.quantity, self.value + sign * other.value)


@dataclass(frozen=True)
class Received:
    """What was received on one order line, net of returns and reversals."""

    quantity: Fraction
    known_value: Fraction
    receipts: int
    receipts_of_unknown_value: int


@dataclass
class Findings:
    """The codes of one document on one order line, and how far over it is."""

    codes: set[str] = field(default_factory=set)
    measured: dict[str, Fraction] = field(default_factory=dict)

    def add(self, code: str, excess: Fraction) -> None:
        """Note a code with its excess."""
        self.codes.add(code)
        self.measured[code] = excess

    def take(self, other: Findings) -> None:
        """Add all that the other found."""
        self.codes |= other.codes
        self.measured.update(other.measured)


Documents = list[tuple[Invoice, Amount]]


def documents_on(order_line: OrderLine, counting: list[ReadLine]) -> Documents:
    """Return each document on the order line with the sum of its lines, in business order."""
    sums: dict[str, tuple[Invoice, Amount]] = {}
    for read in counting:
        if read.order_line == order_line:
            _, so_far = sums.get(read.invoice.ref, (read.invoice, Amount()))
            line = Amount(Fraction(0) if read.quantity is None else read.quantity, read.net)
            sums[read.invoice.ref] = (read.invoice, so_far.plus(line))
    return sorted(sums.values(), key=lambda document: business_order(document[0]))


def received_on(book: Book, order_line: OrderLine) -> Received:
    """Add up the receipts of an order line."""
    receipts = book.receipts_of(order_line)
    return Received(
        sum((Fraction(receipt.quantity) for receipt in receipts), Fraction(0)),
        sum((Fraction(receipt.value) for receipt in receipts if receipt.value is not None), Fraction(0)),
        len(receipts),
        sum(receipt.value is None for receipt in receipts),
    )


def credits_in_excess(
    book: Book, order_line: OrderLine, documents: Documents, may_bill: Collection[str]
) -> dict[str, Fraction]:
    """Return the credit notes that, with those before them, credit more than was billed, and how much.

    ``may_bill`` names the invoices that count as billed: booked already, or without a code that blocks
    posting.
    """
    billed = Amount()
    for invoice, amount in documents:
        if invoice.kind == "invoice" and invoice.ref in may_bill:
            billed = billed.plus(amount)
    limit = limit_for(book, "CREDIT_EXCESS", order_line.entity, order_line)
    credited = Amount()
    excess = {}
    for invoice, amount in documents:
        if invoice.kind == "credit_note":
            credited = credited.plus(amount)
            too_much = credited.plus(billed, -1)
            quantity = Fraction(0) if order_line.amount_based else too_much.quantity
            if is_above(quantity, limit) or is_above(too_much.value, limit):
                excess[invoice.ref] = quantity if quantity > 0 else too_much.value
    return excess


def judge_quantities(
    book: Book, order_line: OrderLine, documents: Documents, ignored: Collection[str]
) -> dict[str, Findings]:
    """Return the findings of each invoice on the order line; what ``ignored`` names counts for nothing."""
    received = received_on(book, order_line)
    findings = {}
    billed = Amount()
    for invoice, amount in documents:
        if invoice.ref in ignored:
            continue
        billed = billed.plus(amount, -1 if invoice.kind == "credit_note" else 1)
        if invoice.kind == "invoice":
            findings[invoice.ref] = _judge_one(book, order_line, received, billed)
    return findings


def _judge_one(book: Book, order_line: OrderLine, received: Received, billed: Amount) -> Findings:
    found = Findings()
    if not order_line.amount_based:
        _judge_ordered(book, order_line, billed, found)
    if order_line.match_type == 3 and order_line.amount_based:
        _judge_received_value(book, order_line, received, billed, found)
    if order_line.match_type == 3 and not order_line.amount_based:
        _judge_received_quantity(book, order_line, received, billed, found)
    return found


def _judge_ordered(book: Book, order_line: OrderLine, billed: Amount, found: Findings) -> None:
    ordered = Fraction(order_line.quantity)
    excess = billed.quantity - ordered
    if is_exceeded(excess, ordered, limit_for(book, "QTY_ORD", order_line.entity, order_line)):
        found.add("QTY_ORD", excess)


def _judge_received_quantity(
    book: Book, order_line: OrderLine, received: Received, billed: Amount, found: Findings
) -> None:
    if received.quantity > 0:
        excess = billed.quantity - received.quantity
        if is_exceeded(excess, received.quantity, limit_for(book, "QTY_REC", order_line.entity, order_line)):
            found.add("QTY_REC", excess)
        return
    value = value_at_order_price(order_line, billed.quantity)
    if is_above(value, limit_for(book, "NO_RECEIPT", order_line.entity, order_line)):
        found.add("NO_RECEIPT", value)


def _judge_received_value(
    book: Book, order_line: OrderLine, received: Received, billed: Amount, found: Findings
) -> None:
    if received.receipts == 0:
        if is_above(billed.value, limit_for(book, "NO_RECEIPT", order_line.entity, order_line)):
            found.add("NO_RECEIPT", billed.value)
        return
    limit = limit_for(book, "AMT_REC", order_line.entity, order_line)
    excess = billed.value - received.known_value
    if received.receipts_of_unknown_value > 0:
        checked = limit.up_pct is not None or limit.up_abs is not None
        exceeded = (
            checked and excess > 0
        )  # what the unknown receipts were worth is not known: no tolerance helps
    else:
        exceeded = is_exceeded(excess, received.known_value, limit)
    if exceeded:
        found.add("AMT_REC", excess)
