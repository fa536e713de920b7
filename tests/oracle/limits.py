"""Which limit applies, and when it is exceeded.

A value passes as long as it is at most the limit. No limit means not checked; 0 means nothing is allowed.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from tests.oracle.book import Book, OrderLine, Tolerance


@dataclass(frozen=True)
class Limit:
    """The limit found for one check: percent of the reference, absolute, and how the two combine."""

    up_pct: Fraction | None
    up_abs: Fraction | None
    combine: str


def limit_for(book: Book, code: str, entity: str, order_line: OrderLine | None) -> Limit:
    """Return the limit of ``code``: for each field the most specific scope that says anything."""
    rows = [
        row
        for row in book.tolerances
        if row.code == code and _in_effect(book, row) and _in_scope(row, entity, order_line)
    ]
    rows.sort(key=_scope_rank)
    up_pct = next((row.up_pct for row in rows if row.up_pct is not None), None)
    up_abs = next((row.up_abs for row in rows if row.up_abs is not None), None)
    combine = next((row.combine for row in rows if row.combine is not None), "strictest")
    return Limit(
        None if up_pct is None else Fraction(up_pct), None if up_abs is None else Fraction(up_abs), combine
    )


def _in_effect(book: Book, row: Tolerance) -> bool:
    return row.effective_from <= book.business_date and (
        row.effective_to is None or row.effective_to >= book.business_date
    )


def _in_scope(row: Tolerance, entity: str, order_line: OrderLine | None) -> bool:
    if row.entity is not None and row.entity != entity:
        return False
    wanted = (row.supplier_id, row.category, row.item, row.po_number, row.po_line)
    if order_line is None:
        return wanted == (None, None, None, None, None)
    wanted = (*wanted[:4], None if row.po_line is None else row.po_line.lstrip("0"))
    found = (
        order_line.supplier_id,
        order_line.category,
        order_line.item,
        order_line.po_number,
        order_line.line_key,
    )
    return all(want is None or want == have for want, have in zip(wanted, found, strict=True))


def _scope_rank(row: Tolerance) -> int:
    """PO line, supplier and item, supplier, category, entity, default: the first is the most specific."""
    fields_by_rank = (
        row.po_line is not None,
        row.supplier_id is not None and row.item is not None,
        row.supplier_id is not None,
        row.category is not None,
        row.entity is not None,
        True,
    )
    return fields_by_rank.index(True)


def is_exceeded(excess: Fraction, reference: Fraction, limit: Limit) -> bool:
    """Say whether ``excess`` over ``reference`` is more than the limit allows.

    Only upward: what is not above its reference never exceeds. Against a reference of 0 (or below) any excess
    is an infinite percentage. Worked: excess 2.00 on 100.00 with 2 % and 1.99: strictest yes, lenient no.
    """
    answers = []
    if limit.up_pct is not None:
        answers.append(_percent_exceeds(excess, reference, limit.up_pct))
    if limit.up_abs is not None:
        answers.append(excess > limit.up_abs)
    if not answers:
        return False
    return all(answers) if limit.combine == "lenient" else any(answers)


def _percent_exceeds(excess: Fraction, reference: Fraction, up_pct: Fraction) -> bool:
    if excess <= 0:
        return False
    if reference <= 0:
        return True
    return excess / reference * 100 > up_pct


def is_above(amount: Fraction, limit: Limit) -> bool:
    """Say whether an amount is above the absolute limit of a check that has no percentage."""
    return limit.up_abs is not None and amount > limit.up_abs
