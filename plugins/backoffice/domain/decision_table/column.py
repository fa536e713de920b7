"""One input of many cases as exact integers: what ``decide_columns`` takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from backoffice.domain.decision_table.inputs import Input
from backoffice.domain.decision_table.values import MISSING, Money

MOST_PLACES = 18
SMALLEST, LARGEST = -(1 << 63), (1 << 63) - 1

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Column:
    """One input of many cases.

    :param values: Amounts and numbers times ``10 ** places``; days as ordinals (1 is 0001-01-01); flags as 0
        and 1; codes and lists of codes as places in ``labels``.
    :param currency: That of all amounts.
    :param null: Where the value is null.
    :param missing: Where there is none.
    :param odd: Values by row that stand apart.
    """

    values: Integers
    places: int = 0
    currency: str | None = None
    labels: tuple[object, ...] = ()
    null: Flags | None = None
    missing: Flags | None = None
    odd: Mapping[int, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 <= self.places <= MOST_PLACES:
            raise ValueError(f"{self.places} decimals; a column has 0 to {MOST_PLACES}")

    def part(self, rows: slice) -> Column:
        """Return some of the rows, without what stands apart."""
        null = None if self.null is None else self.null[rows]
        missing = None if self.missing is None else self.missing[rows]
        return Column(self.values[rows], self.places, self.currency, self.labels, null, missing)

    def value(self, column: Input, row: int) -> object:
        """Return the value of a row as ``Policy.decide`` takes it."""
        if row in self.odd:
            return self.odd[row]
        if self.missing is not None and self.missing[row]:
            return MISSING
        if self.null is not None and self.null[row]:
            return None
        number = int(self.values[row])
        match column.kind:
            case "money":
                return Money(Decimal(f"{number}E-{self.places}"), self.currency or "")
            case "number":
                return Decimal(f"{number}E-{self.places}")
            case "date":
                return date.fromordinal(number) if 0 < number <= date.max.toordinal() else number
            case "flag":
                return bool(number)
        return self.labels[number]


def column_of(column: Input, values: Sequence[object], places: int | None = None) -> Column:
    """Return a column of values as ``Policy.decide`` takes them; ``MISSING`` stands for none.

    :param places: Decimals to hold; by default those of the input, for numbers four.
    """
    fixed = {"money": column.decimals, "number": 4}.get(column.kind, 0) if places is None else places
    labels: dict[object, int] = {}
    numbers = np.zeros(len(values), np.int64)
    null = np.fromiter((value is None for value in values), np.bool_, len(values))
    missing = np.fromiter((value is MISSING for value in values), np.bool_, len(values))
    odd: dict[int, object] = {}
    for row, value in enumerate(values):
        if value is None or value is MISSING:
            continue
        number = _integer(column, value, fixed, labels)
        if number is None or not SMALLEST <= number <= LARGEST:
            odd[row] = value
        else:
            numbers[row] = number
    return Column(numbers, fixed, column.currency, tuple(labels), null, missing, odd)


def _integer(column: Input, value: object, places: int, labels: dict[object, int]) -> int | None:
    """Return a usual value as an integer, None when it stands apart."""
    if column.kind == "money":
        if type(value) is not Money or value.currency != column.currency:
            return None
        value = value.amount
    if column.kind in ("money", "number"):
        return _scaled(value, places)
    if column.kind == "date":
        return value.toordinal() if type(value) is date else None
    if column.kind == "flag":
        return int(value) if type(value) is bool else None
    if column.kind == "code":
        return labels.setdefault(value, len(labels)) if type(value) is str else None
    if isinstance(value, list | tuple | set | frozenset) and all(type(code) is str for code in value):
        return labels.setdefault(frozenset(value), len(labels))
    return None


def _scaled(value: object, places: int) -> int | None:
    if type(value) is int:
        return int(value * 10**places)
    if type(value) is not Decimal or not value.is_finite() or abs(value.adjusted()) > 2 * MOST_PLACES:
        return None
    numerator, denominator = value.as_integer_ratio()
    factor, rest = divmod(10**places, denominator)
    return None if rest else int(numerator * factor)
