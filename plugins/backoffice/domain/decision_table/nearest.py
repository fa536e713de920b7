"""The nearest change that flips a decision: the fewest inputs, then the smallest change of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from backoffice.domain.decision_table.axes import Distance
from backoffice.domain.decision_table.inputs import Input, Read
from backoffice.domain.decision_table.space import Budget, Cover, TooLarge
from backoffice.domain.decision_table.table import DEFAULT, Table, Verdict, bits, rivals

MOST_WORK = 50_000
MOST_MOVES = 512

# axis and piece of each input that changes, and what is decided then
Move = tuple[tuple[tuple[int, int], ...], Verdict]


@dataclass(frozen=True)
class Change:
    """One input that would have to change."""

    input: str
    before: Read
    after: Read


@dataclass(frozen=True)
class Nearest:
    """The nearest change, and what it leads to."""

    changes: tuple[Change, ...]
    outcome: str
    rule: str
    authority: str | None

    def words(self, inputs: Mapping[str, Input]) -> str:
        """Return the change as text: ``gross_amount 100000.00 EUR and receipt missed``."""
        return " and ".join(f"{one.input} {inputs[one.input].write(one.after)}" for one in self.changes)

    def record(self, inputs: Mapping[str, Input]) -> dict[str, Any]:
        """Return the change as plain data."""
        return {
            "outcome": self.outcome,
            "rule": self.rule,
            "authority": self.authority,
            "changes": [
                {
                    "input": one.input,
                    "from": inputs[one.input].write(one.before),
                    "to": inputs[one.input].write(one.after),
                }
                for one in self.changes
            ],
        }


class _Exhausted(Exception):
    pass


def moves_to_another_outcome(table: Table, pieces: Sequence[int], outcome: str) -> tuple[Move, ...]:
    """Return the ways out of a region to another outcome that change the fewest inputs.

    Of several pieces of one axis that come to the same only the nearest on each side are returned. Beyond the
    budget, with very many inputs to change at once, the first way that is found is returned alone.
    """
    search = _Search(table, pieces, outcome)
    if not search.others:
        return ()
    for count in range(search.fewest, len(table.axes) + 1):
        moves: list[Move] = []
        try:
            for axes in search.sets(count):
                for move in search.along(axes):
                    moves.append(move)
                    if len(moves) == MOST_MOVES:
                        return tuple(moves)
        except _Exhausted:
            return tuple(moves) or _any_way(table, pieces, outcome)
        if moves:
            return tuple(moves)
    return ()


def _any_way(table: Table, pieces: Sequence[int], outcome: str) -> tuple[Move, ...]:
    """Return some way to another outcome; what it need not change it leaves."""
    cover = Cover(table.axes, Budget.of(table))
    try:
        for place, rule in enumerate(table.rules):
            if rule.outcome == outcome:
                continue
            point = cover.uncovered(cover.box(place), rivals(table, place))
            if point is not None and _leads_elsewhere(table, point, outcome):
                return (_as_move(table, pieces, point, outcome),)
    except TooLarge:
        pass
    return ()


def _as_move(table: Table, pieces: Sequence[int], point: list[int], outcome: str) -> Move:
    for place, piece in enumerate(pieces):
        kept = [*point[:place], piece, *point[place + 1 :]]
        if _leads_elsewhere(table, kept, outcome):
            point = kept
    changed = tuple(
        (place, piece)
        for place, (piece, before) in enumerate(zip(point, pieces, strict=True))
        if piece != before
    )
    return changed, table.verdict(table.hits(point))


def _leads_elsewhere(table: Table, point: Sequence[int], outcome: str) -> bool:
    verdict = table.verdict(table.hits(point))
    return verdict.rule is not None and verdict.outcome != outcome


class _Search:
    def __init__(self, table: Table, pieces: Sequence[int], outcome: str) -> None:
        self.table = table
        self.pieces = pieces
        self.outcome = outcome
        self.work = MOST_WORK
        self.others = sum(1 << place for place, rule in enumerate(table.rules) if rule.outcome != outcome)
        # per rule with another outcome the inputs that keep it from hitting: those at least must change
        self.needs = {
            tuple(
                place
                for place, (axis, piece) in enumerate(zip(table.axes, pieces, strict=True))
                if not axis.accepts[rule] >> piece & 1
            )
            for rule in bits(self.others)
        }
        self.fewest = max(1, min(map(len, self.needs), default=1))

    def _spend(self) -> None:
        self.work -= 1
        if self.work < 0:
            raise _Exhausted

    def sets(self, count: int) -> list[tuple[int, ...]]:
        """Return the sets of so many inputs whose change may let a rule with another outcome hit."""
        found: set[tuple[int, ...]] = set()
        for need in self.needs:
            if len(need) > count:
                continue
            free = [place for place in range(len(self.table.axes)) if place not in need]
            for more in combinations(free, count - len(need)):
                self._spend()
                found.add(tuple(sorted((*need, *more))))
        return sorted(found)

    def along(self, axes: tuple[int, ...]) -> Iterator[Move]:
        """Yield the moves that change exactly these inputs."""
        self._spend()
        left = self.table.all_rules
        for place, (axis, piece) in enumerate(zip(self.table.axes, self.pieces, strict=True)):
            if place not in axes:
                left &= axis.masks[piece]
        if left & self.others:
            yield from self._change(axes, left, ())

    def _change(self, axes: tuple[int, ...], left: int, taken: tuple[tuple[int, int], ...]) -> Iterator[Move]:
        if not axes:
            verdict = self.table.verdict(left)
            if verdict.rule is not None and verdict.outcome != self.outcome:
                yield taken, verdict
            return
        for rest, piece in self._options(axes[0], left):
            if rest & self.others:
                yield from self._change(axes[1:], rest, (*taken, (axes[0], piece)))

    def _options(self, place: int, left: int) -> Iterator[tuple[int, int]]:
        """Yield the pieces to go to: of those that leave the same rules the nearest on each side."""
        axis, current = self.table.axes[place], self.pieces[place]
        ordered = axis.line is not None and current < axis.values
        seen: set[tuple[int, int]] = set()
        for piece in self._outwards(place):
            self._spend()
            rest = left & axis.masks[piece]
            side = 0 if piece >= axis.values else 1 + (piece < current) if ordered else 3
            # lists differ in how far away they are, so that each is looked at
            if axis.lists is not None or (rest, side) not in seen:
                seen.add((rest, side))
                yield rest, piece

    def _outwards(self, place: int) -> list[int]:
        current = self.pieces[place]
        pieces = [piece for piece in bits(self.table.axes[place].occurs) if piece != current]
        return sorted(pieces, key=lambda piece: (abs(piece - current), piece))


def _size(table: Table, targets: Iterable[tuple[int, int]], values: Sequence[Read]) -> Distance:
    sizes = [table.axes[place].nearest(piece, values[place])[0] for place, piece in targets]
    return sizes[0] if len(sizes) == 1 else sum(sizes)


def nearest_of(table: Table, moves: Sequence[Move], values: Sequence[Read]) -> Nearest:
    """Return the smallest of the moves for these values; of equally small ones the first."""
    chosen = 0
    if len(moves) > 1:
        sizes = [_size(table, targets, values) for targets, _ in moves]
        chosen = sizes.index(min(sizes))
    targets, verdict = moves[chosen]
    changes = tuple(
        Change(
            table.axes[place].column.name, values[place], table.axes[place].nearest(piece, values[place])[1]
        )
        for place, piece in targets
    )
    rule = DEFAULT if verdict.rule is None else table.rules[verdict.rule].rule_id
    return Nearest(changes, verdict.outcome, rule, verdict.authority)
