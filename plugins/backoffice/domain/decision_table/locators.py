"""The quick way from a value to its piece of an axis.

A locator knows the usual forms of a value and leaves everything else, and every doubt, to ``Input.read``
and ``Axis.locate``, which decide alike. It returns the number of the piece times ``stride``, so that the
sum over all inputs is the number of the region.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from backoffice.domain.decision_table.axes import Axis
from backoffice.domain.decision_table.values import HIGHEST, LOWEST, SMALLEST_EXPONENT, Money

Locator = Callable[[object], int]
MOST_REMEMBERED = 4_096


def locator(axis: Axis, stride: int) -> Locator:
    """Return the locator of an axis; it raises ``ValueError`` for a value that cannot be used."""

    def carefully(value: object) -> int:
        return axis.locate(axis.column.read(value)) * stride

    match axis.column.kind:
        case "flag":
            return _flag(axis, stride, carefully)
        case "code":
            return _code(axis, stride, carefully)
        case "codes":
            return carefully
        case "date":
            return _day(axis, stride, carefully)
        case "money":
            return _money(axis, stride, carefully)
        case "number":
            return _number(axis, stride, carefully)


def _flag(axis: Axis, stride: int, carefully: Locator) -> Locator:
    true, false = axis.locate(True) * stride, axis.locate(False) * stride

    def locate(value: object) -> int:
        return true if value is True else false if value is False else carefully(value)

    return locate


def _code(axis: Axis, stride: int, carefully: Locator) -> Locator:
    known = {code: axis.locate(code) * stride for code in axis.column.values}

    def locate(value: object) -> int:
        if type(value) is str and value in known:
            return known[value]
        return carefully(value)

    return locate


def _day(axis: Axis, stride: int, carefully: Locator) -> Locator:
    known: dict[date, int] = {}

    def locate(value: object) -> int:
        if type(value) is not date:
            return carefully(value)
        if value in known:
            return known[value]
        found = carefully(value)
        if len(known) < MOST_REMEMBERED:
            known[value] = found
        return found

    return locate


def _decimal(axis: Axis, stride: int) -> Callable[[Decimal], int | None]:
    """Return a function that finds the piece of a number within the input's bounds, None for any other."""
    line = axis.line
    assert line is not None  # noqa: S101 - ordered inputs have one
    low: Any = axis.column.low
    high: Any = axis.column.high
    least = LOWEST if low is None else low
    most = HIGHEST if high is None else high
    bounds = line.bounds
    after = [cut.after for cut in line.cuts]
    count = len(bounds)

    def find(number: Decimal) -> int | None:
        try:
            if not (least <= number <= most) or number.adjusted() < SMALLEST_EXPONENT:
                return None
        except InvalidOperation:  # not a number
            return None
        place = bisect_left(bounds, number)
        while place < count and not after[place] and bounds[place] == number:
            place += 1
        return place * stride

    return find


def _money(axis: Axis, stride: int, carefully: Locator) -> Locator:
    find = _decimal(axis, stride)
    currency = axis.column.currency

    def locate(value: object) -> int:
        if type(value) is Money and value.currency == currency and type(value.amount) is Decimal:
            found = find(value.amount)
            if found is not None:
                return found
        return carefully(value)

    return locate


def _number(axis: Axis, stride: int, carefully: Locator) -> Locator:
    find = _decimal(axis, stride)
    known: dict[int, int] = {}

    def locate(value: object) -> int:
        if type(value) is int:
            if value in known:
                return known[value]
            place = carefully(value)
            if len(known) < MOST_REMEMBERED:
                known[value] = place
            return place
        if type(value) is Decimal:
            found = find(value)
            if found is not None:
                return found
        return carefully(value)

    return locate
