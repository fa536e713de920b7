"""Checks of a line against its order line: is it the right order, do unit and arithmetic agree."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from tests.oracle.book import Book, Invoice, InvoiceLine, OrderLine
from tests.oracle.limits import is_above, limit_for

# what a line is billed on is not settled: prices and quantities of it mean nothing yet
GATES = frozenset({"SUPPLIER_MISMATCH", "CURRENCY_DIFF", "PO_NOT_APPROVED", "PO_CLOSED", "UOM_UNMAPPED"})
# it cannot be added up with the order line's own quantities and values
CANNOT_BE_ADDED = frozenset({"CURRENCY_DIFF", "UOM_UNMAPPED"})


@dataclass(frozen=True)
class ReadLine:
    """A line as read: its order line, the codes of the line by itself, its quantity in order units.

    ``quantity`` is None where it cannot be told in order units.
    """

    invoice: Invoice
    line: InvoiceLine
    order_line: OrderLine | None
    codes: frozenset[str]
    quantity: Fraction | None

    @property
    def key(self) -> tuple[str, int]:
        """The name of the line."""
        return (self.invoice.ref, self.line.position)

    @property
    def net(self) -> Fraction:
        """The printed net amount."""
        return Fraction(self.line.net)

    def is_judged(self, document: set[str]) -> bool:
        """Say whether prices and quantities of the line are judged; ``document`` has its document's codes."""
        return self.counts(document) and not self.codes & GATES

    def counts(self, document: set[str]) -> bool:
        """Say whether the line is billed or credited on its order line.

        What is posted is, whatever became of the order since; else it takes a line without a gate, on a
        document that is no exact repetition.
        """
        if self.order_line is None or self.codes & CANNOT_BE_ADDED:
            return False
        return self.invoice.booked or not (self.codes & GATES or "DUP_EXACT" in document)


def read_line(book: Book, invoice: Invoice, line: InvoiceLine) -> ReadLine:
    """Find the order line and judge everything that needs neither other documents nor quantities received."""
    codes = {"LINE_ARITH"} if has_arithmetic_fault(book, invoice, line) else set()
    gate = order_gate(book, invoice, line)
    if gate is not None:
        return ReadLine(invoice, line, None, frozenset(codes | {gate}), None)
    order_line = find_order_line(book, invoice, line)
    if order_line is None:
        raise AssertionError("a line without a gate has an order line")
    factor = unit_factor(book, line, order_line)
    if invoice.supplier_id != order_line.supplier_id:
        codes.add("SUPPLIER_MISMATCH")
    if invoice.currency != order_line.currency:
        codes.add("CURRENCY_DIFF")
    if not order_line.approved:
        codes.add("PO_NOT_APPROVED")
    if order_line.closed and not invoice.booked:
        codes.add("PO_CLOSED")
    if factor is None and not order_line.amount_based:
        codes.add("UOM_UNMAPPED")
    quantity = None if factor is None else Fraction(line.quantity) * factor
    return ReadLine(invoice, line, order_line, frozenset(codes), quantity)


def order_number(invoice: Invoice, line: InvoiceLine) -> str | None:
    """The line's order number if it names one, else the document's."""
    return line.po_number or invoice.po_number or None


def order_gate(book: Book, invoice: Invoice, line: InvoiceLine) -> str | None:
    """Return which of the three gates stops the search for the order line, if any."""
    number = order_number(invoice, line)
    if number is None:
        return "PO_MISSING"
    if not any((known.entity, known.po_number) == (invoice.entity, number) for known in book.order_lines):
        return "PO_NOT_FOUND"
    if find_order_line(book, invoice, line) is None:
        return "LINE_UNMATCHED"
    return None


def find_order_line(book: Book, invoice: Invoice, line: InvoiceLine) -> OrderLine | None:
    """Return the order line that the line names, leading zeros of the line number aside."""
    if not line.po_line:
        return None
    wanted = (invoice.entity, order_number(invoice, line), line.po_line.lstrip("0"))
    return next(
        (known for known in book.order_lines if (known.entity, known.po_number, known.line_key) == wanted),
        None,
    )


def unit_factor(book: Book, line: InvoiceLine, order_line: OrderLine) -> Fraction | None:
    """Return the exact factor from billed to ordered unit: the item's own first, else the general one."""
    if not line.uom:
        return None
    if line.uom == order_line.uom:
        return Fraction(1)
    for item in (order_line.item, "*"):
        for factor in book.factors:
            if (factor.from_uom, factor.to_uom, factor.item) == (line.uom, order_line.uom, item):
                return Fraction(factor.numerator, factor.denominator)
    return None


def has_arithmetic_fault(book: Book, invoice: Invoice, line: InvoiceLine) -> bool:
    """Say whether the net amount is too far from quantity times printed price, where one is printed."""
    if line.unit_price is None:
        return False
    computed = Fraction(line.quantity) * Fraction(line.unit_price) / Fraction(line.price_base)
    computed += Fraction(line.charge) - Fraction(line.allowance)
    limit = limit_for(book, "LINE_ARITH", invoice.entity, find_order_line(book, invoice, line))
    return is_above(abs(Fraction(line.net) - computed), limit)
