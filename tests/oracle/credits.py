"""Credit notes: what they may credit on an order line, and which of them do."""

from __future__ import annotations

from collections.abc import Collection
from fractions import Fraction

from tests.oracle.amounts import Amount, Documents, only
from tests.oracle.book import Book, OrderLine
from tests.oracle.limits import Limit, is_above, limit_for


def credits_in_excess(
    book: Book, order_line: OrderLine, documents: Documents, bookable: Collection[str]
) -> dict[str, Fraction]:
    """Return the credit notes that credit more than is left to credit on the order line, and by how much.

    Each in turn may credit what bookable invoices billed there, whenever, less what was credited before it.
    One in excess or parked for another reason credits nothing, so nothing is less for those after it.
    Worked: of 40 billed, 30, 20 and 10 are credited: the 20 are 10 too many, the last 10 make it 40.
    """
    billed, credited = Amount(), Amount()
    for invoice, amount in only("invoice", documents):
        if invoice.ref in bookable:
            billed = billed.plus(amount)
    limit = limit_for(book, "CREDIT_EXCESS", order_line.entity, order_line)
    excess = {}
    for note, amount in only("credit_note", documents):
        too_much = _excess(order_line, credited.plus(amount).minus(billed), limit)
        if too_much is not None:
            excess[note.ref] = too_much
        elif note.ref in bookable:
            credited = credited.plus(amount)
    return excess


def _excess(order_line: OrderLine, over: Amount, limit: Limit) -> Fraction | None:
    """Return the quantity, else the value, that is above the limit."""
    if not order_line.amount_based and is_above(over.quantity, limit):
        return over.quantity
    return over.value if is_above(over.value, limit) else None


def credited_on(
    documents: Documents, bookable: Collection[str], in_excess: Collection[str], parked: Collection[str]
) -> Amount:
    """Add up what is credited on an order line: by notes that are bookable and not in excess there.

    ``parked`` names the notes that are in excess on any order line: unless booked, they credit nothing
    anywhere.
    """
    credited = Amount()
    for note, amount in only("credit_note", documents):
        if note.ref not in bookable or note.ref in in_excess:
            continue
        if note.booked or note.ref not in parked:
            credited = credited.plus(amount)
    return credited
