"""What the documents amount to on one order line, each as a whole, in the order of business."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction

from tests.oracle.book import Invoice, OrderLine
from tests.oracle.duplicates import business_order
from tests.oracle.lines import ReadLine


@dataclass(frozen=True)
class Amount:
    """A quantity in order units and a net value, of invoices or of credit notes."""

    quantity: Fraction = Fraction(0)
    value: Fraction = Fraction(0)

    def plus(self, other: Amount) -> Amount:
        """Add the other amount."""
        return Amount(self.quantity + other.quantity, self.value + other.value)

    def minus(self, other: Amount) -> Amount:
        """Take the other amount off."""
        return Amount(self.quantity - other.quantity, self.value - other.value)


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


def documents_on(order_line: OrderLine, reads: Iterable[ReadLine]) -> Documents:
    """Return each document on the order line with the sum of its lines there, in business order."""
    sums: dict[str, tuple[Invoice, Amount]] = {}
    for read in reads:
        if read.order_line == order_line:
            _, so_far = sums.get(read.invoice.ref, (read.invoice, Amount()))
            line = Amount(Fraction(0) if read.quantity is None else read.quantity, read.net)
            sums[read.invoice.ref] = (read.invoice, so_far.plus(line))
    return sorted(sums.values(), key=lambda document: business_order(document[0]))


def only(kind: str, documents: Documents) -> Documents:
    """Return the invoices, or the credit notes."""
    return [(invoice, amount) for invoice, amount in documents if invoice.kind == kind]


def value_at_order_price(order_line: OrderLine, quantity: Fraction) -> Fraction:
    """A quantity in order units at the order price."""
    return quantity * Fraction(order_line.unit_price) / Fraction(order_line.price_base)
