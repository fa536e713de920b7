"""Documents whose place in an order line's running total nobody can tell or judge, so that only a person can."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from tests.oracle.book import OrderLine
from tests.oracle.duplicates import business_order
from tests.oracle.lines import ReadLine


def behind_an_unknown_unit(order_line: OrderLine, reads: Sequence[ReadLine]) -> set[str]:
    """Return the documents in process that come after one whose quantity on the order line cannot be told."""
    here = [read for read in reads if read.order_line == order_line]
    unknown = [business_order(read.invoice) for read in here if "UOM_UNMAPPED" in read.codes]
    return {
        read.invoice.ref
        for read in here
        if unknown
        and not read.invoice.booked
        and "UOM_UNMAPPED" not in read.codes
        and business_order(read.invoice) > min(unknown)
    }


def above_the_ordered_value(
    order_line: OrderLine, reads: Sequence[ReadLine], codes: dict[str, set[str]]
) -> set[str]:
    """Return the invoices in process that bill more on an amount-based order line than was ordered by value.

    Cumulative in the order of business, credit notes before them taken off.
    """
    if not order_line.amount_based or order_line.ordered_value is None:
        return set()
    here = sorted(
        (read for read in reads if read.order_line == order_line),
        key=lambda read: business_order(read.invoice),
    )
    above = set()
    for read in here:
        upto = [other for other in here if business_order(other.invoice) <= business_order(read.invoice)]
        so_far = sum(
            (
                -other.net if other.invoice.kind == "credit_note" else other.net
                for other in upto
                if other.counts(codes[other.invoice.ref])
            ),
            Fraction(0),
        )
        if so_far > order_line.ordered_value and not read.invoice.booked and read.invoice.kind == "invoice":
            above.add(read.invoice.ref)
    return above
