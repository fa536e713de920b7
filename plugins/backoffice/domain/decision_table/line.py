"""The line of a number, an amount or a day, cut where a cell of the table begins or ends."""

from __future__ import annotations

import operator
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import accumulate
from math import ceil, floor
from typing import Any

from backoffice.domain.decision_table.cells import Cell, Cut, Interval, places
from backoffice.domain.decision_table.inputs import Input, Ordered
from backoffice.domain.decision_table.values import amount_text, exact, point_of

YEAR = 365


@dataclass
class Piece:
    """What lies between two neighbouring cuts.

    :param first: Smallest value in it that can occur, None when there is none or it goes on for ever.
    :param last: Largest value in it that can occur, likewise.
    """

    low: Cut | None
    high: Cut | None
    mask: int
    occurs: bool = False
    first: Ordered | None = None
    last: Ordered | None = None
    sample: Ordered | None = None


class Line:
    """All pieces of an ordered input, from left to right."""

    def __init__(self, column: Input, cells: Sequence[Cell], also_cut: Iterable[object]) -> None:
        self.column = column
        forced = {_key(Cut(value, after=True)) for value in also_cut}  # type: ignore[arg-type]
        self._anchor, self._step = _steps(column)
        self._least: Ordered | None = column.low
        self._most: Ordered | None = column.high
        if column.kind == "date":  # days outside of the calendar do not occur
            self._least, self._most = column.low or date.min, column.high or date.max
        self.pieces = self._merge(_cut(cells, forced), forced)
        self.cuts: list[Cut] = [piece.high for piece in self.pieces if piece.high is not None]
        self.bounds: list[Any] = [cut.value for cut in self.cuts]
        self._unit = Fraction(1, 10 ** max(map(places, self.bounds), default=0))
        for piece in self.pieces:
            self._measure(piece)

    @staticmethod
    def _merge(pieces: list[Piece], forced: set[tuple[Ordered, bool]]) -> list[Piece]:
        merged: list[Piece] = []
        for piece in pieces:
            last = merged[-1] if merged else None
            if last is None or last.mask != piece.mask or (last.high and _key(last.high) in forced):
                merged.append(piece)
            else:
                last.high = piece.high
        return merged

    def locate(self, value: Ordered) -> int:
        """Return the number of the piece in which a value lies."""
        place = bisect_left(self.bounds, value)
        while place < len(self.bounds) and self.bounds[place] == value and not self.cuts[place].after:
            place += 1
        return place

    def _measure(self, piece: Piece) -> None:
        """Find out which values of a piece can occur."""
        low, high = piece.low, piece.high
        if self._least is not None and (low is None or _key(low) < (self._least, False)):
            low = Cut(self._least, after=False)
        if self._most is not None and (high is None or _key(high) > (self._most, True)):
            high = Cut(self._most, after=True)
        if Interval(low, high).empty:
            return
        first = None if low is None else self._up(low, high)
        last = None if high is None else self._down(high, low)
        piece.occurs = (first is None or _before(first, high)) and (last is None or _behind(last, low))
        if piece.occurs:
            piece.first = None if first is None else self._value(first)
            piece.last = None if last is None else self._value(last)
            piece.sample = self._sample(piece)

    def _sample(self, piece: Piece) -> Ordered:
        """Return a value that stands for a piece: one at an end that a cell or a bound gives it."""
        if piece.low is None and (piece.high is not None or self.column.high is not None):
            found = piece.last
        elif piece.low is not None or self.column.low is not None:
            found = piece.first
        else:
            found = None
        return self._value(self._anchor) if found is None else found

    def _up(self, cut: Cut, end: Cut | None) -> Fraction:
        """Return the smallest value behind a cut."""
        point = point_of(cut.value)
        if self._step is not None:
            steps = (point - self._anchor) / self._step
            return self._anchor + (floor(steps) + 1 if cut.after else ceil(steps)) * self._step
        if not cut.after:
            return point
        return point + self._unit if _before(point + self._unit, end) else _middle(cut, end)

    def _down(self, cut: Cut, end: Cut | None) -> Fraction:
        """Return the largest value before a cut."""
        point = point_of(cut.value)
        if self._step is not None:
            steps = (point - self._anchor) / self._step
            return self._anchor + (floor(steps) if cut.after else ceil(steps) - 1) * self._step
        if cut.after:
            return point
        return point - self._unit if _behind(point - self._unit, end) else _middle(cut, end)

    def _value(self, point: Fraction) -> Ordered:
        return date.fromordinal(int(point)) if self.column.kind == "date" else exact(point)

    def nearest(self, number: int, value: Ordered) -> tuple[Fraction, Ordered]:
        """Return the value of a piece nearest to ``value``, and how far away it is."""
        piece = self.pieces[number]
        target = piece.first if _is_before(value, piece.low) else piece.last
        if target is None:
            target = piece.sample
        assert target is not None  # noqa: S101 - only pieces that can occur are asked for
        if isinstance(value, date) or isinstance(target, date):
            days = abs(target.toordinal() - value.toordinal())  # type: ignore[union-attr]  # both are days
            return Fraction(days, YEAR + days), target
        # both as fractions of one denominator, which cancels out
        (old, old_unit), (new, new_unit) = value.as_integer_ratio(), target.as_integer_ratio()
        old, new = old * new_unit, new * old_unit
        size = abs(old) + abs(new)
        return (Fraction(abs(new - old), size) if size else Fraction(0)), target

    def words(self, number: int) -> str:
        """Return a piece as a cell would say it: ``> 5000.00``, ``[1..5)``, ``= 7``, ``-``."""
        low, high = self.pieces[number].low, self.pieces[number].high
        if low is None and high is None:
            return "-"
        if low is None or high is None:
            cut = high if low is None else low
            assert cut is not None  # noqa: S101 - one of the two is there
            sign = ("<=" if cut.after else "<") if low is None else (">" if cut.after else ">=")
            return f"{sign} {self._text(cut.value)}"
        if low.value == high.value:
            return f"= {self._text(low.value)}"
        begin, end = "(" if low.after else "[", "]" if high.after else ")"
        return f"{begin}{self._text(low.value)}..{self._text(high.value)}{end}"

    def _text(self, value: Ordered) -> str:
        return value.isoformat() if isinstance(value, date) else amount_text(value, self.column.decimals)


def _key(cut: Cut) -> tuple[Any, bool]:
    return cut.value, cut.after


def _steps(column: Input) -> tuple[Fraction, Fraction | None]:
    """Return from where and by how much the values of an input go on."""
    if column.kind == "date":
        anchor = column.low or date(2000, 1, 1)
        return point_of(anchor), Fraction(column.step or 1)
    if column.kind == "money":
        return Fraction(0), Fraction(1, 10**column.decimals)
    begin = Fraction(0) if column.low is None else point_of(column.low)
    return begin, None if column.step is None else Fraction(column.step)


def _cut(cells: Sequence[Cell], forced: set[tuple[Ordered, bool]]) -> list[Piece]:
    """Return the pieces between all cuts, each with the rules that accept it."""
    accepted = [
        [Interval(None, None)] if cell.anything else [one for one in cell.intervals if not one.empty]
        for cell in cells
    ]
    ends = (cut for intervals in accepted for one in intervals for cut in (one.low, one.high))
    cuts = sorted({_key(cut) for cut in ends if cut is not None} | forced)
    place_of = {key: place for place, key in enumerate(cuts)}
    changes = [0] * (len(cuts) + 2)  # rules that begin or end to accept, by piece
    for rule, intervals in enumerate(accepted):
        for begin, end in _joined(_span(one, place_of) for one in intervals):
            changes[begin] ^= 1 << rule
            changes[end + 1] ^= 1 << rule
    sides: list[Cut | None] = [None, *(Cut(*key) for key in cuts), None]
    masks = accumulate(changes[:-1], operator.xor)
    return [Piece(sides[piece], sides[piece + 1], mask) for piece, mask in enumerate(masks)]


def _span(interval: Interval, place_of: Mapping[tuple[Any, bool], int]) -> tuple[int, int]:
    """Return the first and the last piece of an interval."""
    first = 0 if interval.low is None else place_of[_key(interval.low)] + 1
    return first, len(place_of) if interval.high is None else place_of[_key(interval.high)]


def _joined(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield spans that touch or overlap as one."""
    first, last = 0, -2
    for begin, end in sorted(spans):
        if begin > last + 1:
            if last >= first:
                yield first, last
            first, last = begin, end
        last = max(last, end)
    if last >= first:
        yield first, last


def _is_before(value: Any, cut: Cut | None) -> bool:
    return cut is not None and (value < cut.value or (cut.after and value == cut.value))


def _before(point: Fraction, cut: Cut | None) -> bool:
    if cut is None:
        return True
    end = point_of(cut.value)
    return point < end or (cut.after and point == end)


def _behind(point: Fraction, cut: Cut | None) -> bool:
    if cut is None:
        return True
    end = point_of(cut.value)
    return point > end or (not cut.after and point == end)


def _middle(one: Cut, other: Cut | None) -> Fraction:
    assert other is not None  # noqa: S101 - without an end there is always a whole unit of room
    return (point_of(one.value) + point_of(other.value)) / 2
