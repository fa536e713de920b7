"""Decide whole columns at once: numpy over exact integers, to the same result as case by case.

Amounts and numbers are integers with a fixed number of decimals, codes are numbers into a list of labels. A
value that no such integer holds exactly, or that cannot be used, stands apart (``odd``); its row is decided
by ``Policy.decide``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from math import ceil, floor, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backoffice.domain.decision_table.axes import Axis
from backoffice.domain.decision_table.column import (
    LARGEST,
    SMALLEST,
    Column,
    Flags,
    Integers,
    column_of,
)
from backoffice.domain.decision_table.decision import Decision
from backoffice.domain.decision_table.policy import Policy
from backoffice.domain.decision_table.values import MISSING, point_of

MOST_LISTED_REGIONS = 1 << 20
BLOCK = 1 << 14  # rows at a time, so that what is in between stays in the cache
MOST_REGIONS = 1 << 62


@dataclass(frozen=True)
class ColumnDecisions:
    """What was decided, row by row.

    :param outcome: Places in the declared outcomes.
    :param rule: Places in the rules in the order of asking, -1 for the default.
    :param authority: Places in the declared authorities, -1 for nobody.
    """

    policy: Policy
    columns: Mapping[str, Column]
    outcome: NDArray[np.int32]
    rule: NDArray[np.int32]
    authority: NDArray[np.int32]

    def decision(self, row: int) -> Decision:
        """Return the whole decision of a row."""
        return self.policy.decide(_given(self.policy, self.columns, row))

    def counts(self) -> dict[str, int]:
        """Return how many rows there are by outcome."""
        found = np.bincount(self.outcome, minlength=len(self.policy.outcomes))
        return {name: int(count) for name, count in zip(self.policy.outcomes, found, strict=True)}


def decide_columns(policy: Policy, columns: Mapping[str, Column]) -> ColumnDecisions:
    """Decide all rows; an input without a column is missing in each.

    :raises UnknownInput: A column is of no input.
    :raises ValueError: The columns are of different lengths, or there is none.
    """
    policy.refuse_unknown(columns.keys())
    lengths = {len(column.values) for column in columns.values()}
    if len(lengths) != 1:
        raise ValueError(f"columns of one length are needed, not of {sorted(lengths)}")
    rows = lengths.pop()
    verdicts = _Verdicts(policy)
    found = np.empty((3, rows), np.int32)
    apart = np.zeros(rows, np.bool_)
    for column in columns.values():
        if column.odd:
            apart[list(column.odd)] = True
    for start in range(0, rows, BLOCK):
        block = slice(start, min(start + BLOCK, rows))
        numbers = _regions(policy, columns, block, apart[block])
        found[:, block] = verdicts.of(numbers)
    for row in np.flatnonzero(apart):
        verdict = policy.decide(_given(policy, columns, int(row))).region.verdict
        found[:, row] = _facts(policy, verdict)
    return ColumnDecisions(policy, columns, found[0], found[1], found[2])


def _regions(policy: Policy, columns: Mapping[str, Column], block: slice, apart: Flags) -> Integers:
    """Return the number of the region of each row of a block; mark rows to be decided by themselves."""
    numbers = np.zeros(len(apart), np.int64)
    if prod(axis.size for axis in policy.table.axes) > MOST_REGIONS:
        apart[:] = True
        return numbers
    stride = 1
    for axis in policy.table.axes:
        column = columns.get(axis.column.name)
        if column is None and axis.missing is None:
            apart[:] = True
        elif column is None:
            numbers += (axis.missing or 0) * stride
        else:
            _add_pieces(axis, column.part(block), stride, numbers, apart)
        stride *= axis.size
    numbers[apart] = 0
    return numbers


class _Verdicts:
    """What is decided in each region, found out when a row first lies in it."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.regions = prod(axis.size for axis in policy.table.axes)
        listed = self.regions if self.regions <= MOST_LISTED_REGIONS else 0
        self.known = np.zeros(listed, np.bool_)
        self.facts = np.zeros((3, listed), np.int32)

    def of(self, numbers: Integers) -> NDArray[np.int32]:
        """Return outcome, rule and authority of each row."""
        if not len(self.known):
            seen, of_row = np.unique(numbers, return_inverse=True)
            facts = np.array([self._decide(int(number)) for number in seen], np.int32)
            return np.asarray(facts.T[:, of_row], np.int32)
        if not self.known[numbers].all():
            for number in np.unique(numbers[~self.known[numbers]]):
                self.facts[:, number] = self._decide(int(number))
                self.known[number] = True
        return self.facts[:, numbers]

    def _decide(self, number: int) -> tuple[int, int, int]:
        return _facts(self.policy, self.policy.region(number).verdict)


def _add_pieces(axis: Axis, column: Column, stride: int, numbers: Integers, apart: Flags) -> None:
    """Add the piece of each row times ``stride``; mark rows to be decided by themselves."""
    pieces = (_labelled if axis.line is None else _along)(axis, column, apart)
    for where, piece in ((column.null, axis.null), (column.missing, axis.missing)):
        if where is None or not where.any():
            continue
        if piece is None:
            apart |= where
        else:
            pieces[where] = piece
    numbers += pieces * stride


def _along(axis: Axis, column: Column, apart: Flags) -> Integers:
    """Return the pieces of numbers, amounts or days, cut at whole numbers of the column's own unit."""
    line = axis.line
    assert line is not None  # noqa: S101 - ordered inputs have one
    if axis.column.kind == "money" and column.currency != axis.column.currency:
        apart[:] = True
    unit, values = 10**column.places, column.values
    pieces = np.zeros(len(values), np.int64)
    for cut in line.cuts:
        point = point_of(cut.value) * unit
        first = floor(point) + 1 if cut.after else ceil(point)
        if first <= SMALLEST:
            pieces += 1
        elif first <= LARGEST:
            pieces += values >= first
    usable = np.ones(len(values), np.bool_)
    if axis.column.kind == "date":
        usable &= (values >= 1) & (values <= date.max.toordinal())
    if axis.column.low is not None:
        usable &= values >= np.int64(max(ceil(point_of(axis.column.low) * unit), SMALLEST))
    if axis.column.high is not None:
        usable &= values <= np.int64(min(floor(point_of(axis.column.high) * unit), LARGEST))
    for where in (column.null, column.missing):
        if where is not None:
            usable |= where
    apart |= ~usable
    return pieces


def _labelled(axis: Axis, column: Column, apart: Flags) -> Integers:
    """Return the pieces of codes, flags and lists by their labels."""
    labels = (False, True) if axis.column.kind == "flag" else column.labels
    there = ~apart
    for where in (column.null, column.missing):
        if where is not None:
            there &= ~where
    values = np.where(there, column.values, 0)
    if there.any() and not 0 <= int(values.min()) <= int(values.max()) < len(labels):
        raise ValueError(f"{axis.column.name} has a number that is no place in its labels")
    found = np.full(max(len(labels), 1), -1, np.int64)
    for place, label in enumerate(labels):
        try:
            found[place] = axis.locate(axis.column.read(label))
        except ValueError:  # an unknown code
            continue
    pieces: Integers = found[values]
    unknown = there & (pieces < 0)
    apart |= unknown
    return pieces


def _facts(policy: Policy, verdict: Any) -> tuple[int, int, int]:
    rule = -1 if verdict.rule is None else verdict.rule
    return policy.outcomes[verdict.outcome].rank, rule, policy.table.level(verdict.authority)


def _given(policy: Policy, columns: Mapping[str, Column], row: int) -> dict[str, object]:
    given = {
        name: columns[name].value(column, row) for name, column in policy.inputs.items() if name in columns
    }
    return {name: value for name, value in given.items() if value is not MISSING}


__all__ = ["MISSING", "Column", "ColumnDecisions", "column_of", "decide_columns"]
