"""Search in the space of all inputs: is there a point that none of some rules covers?

Exact, over the elementary pieces of independent inputs, with a budget that counts work and not time: the
same table gives the same answer on every machine, and none hangs.
"""

from __future__ import annotations

from collections.abc import Sequence

from backoffice.domain.decision_table.axes import Axis
from backoffice.domain.decision_table.table import Table, bits

MOST_WORK = 10_000_000
BITS_PER_STEP = 500  # rules are bits of one number, and so are pieces: a step over many is a longer one


class TooLarge(Exception):
    """The budget is used up; nothing is proven."""


class Budget:
    """Counts the pieces looked at, each as heavy as there are rules and pieces.

    :param bits: How long the numbers are that stand for sets of either.
    """

    def __init__(self, bits: int, work: int = MOST_WORK) -> None:
        self.left = work
        self.weight = 1 + bits // BITS_PER_STEP

    @classmethod
    def of(cls, table: Table) -> Budget:
        """Return a whole budget for a table."""
        return cls(max(len(table.rules), *(axis.size for axis in table.axes)))

    def spend(self, work: int) -> None:
        """Take work from the budget."""
        self.left -= work * self.weight
        if self.left < 0:
            raise TooLarge


class Cover:
    """Rules as boxes over the axes.

    :param masks: Per axis and piece, which rules accept it.
    """

    def __init__(self, axes: Sequence[Axis], budget: Budget) -> None:
        self.masks = [axis.masks for axis in axes]
        self.occurs = [axis.occurs for axis in axes]
        self.accepts = [axis.accepts for axis in axes]
        self.budget = budget
        self._touching: list[dict[int, int]] = [{} for _ in axes]

    def box(self, rule: int) -> list[int]:
        """Return per axis the pieces that a rule accepts and that can occur."""
        return [accepts[rule] & occurs for accepts, occurs in zip(self.accepts, self.occurs, strict=True)]

    def touching(self, box: Sequence[int], rules: int) -> int:
        """Return which of the rules share a point with a box."""
        for axis, pieces in enumerate(box):
            known = self._touching[axis]
            if pieces not in known:
                places = list(bits(pieces))
                self.budget.spend(len(places))
                found = 0
                for piece in places:
                    found |= self.masks[axis][piece]
                known[pieces] = found
            rules &= known[pieces]
        return rules

    def forget(self) -> None:
        """Forget what was computed from masks that have changed."""
        self._touching = [{} for _ in self.masks]

    def uncovered(self, box: Sequence[int], rules: int) -> list[int] | None:
        """Return a point of a box, one piece per axis, that none of the rules covers; None if there is none.

        :raises TooLarge: It cannot be said within the budget.
        """
        if not all(box):
            return None
        rules = self.touching(box, rules)
        return self._corner(box, rules) or _Search(self, box, rules).point()

    def _corner(self, box: Sequence[int], rules: int) -> list[int] | None:
        """Try the corners and the greedy path, which often lead out at once."""
        for point in (
            [pieces.bit_length() - 1 for pieces in box],
            [(pieces & -pieces).bit_length() - 1 for pieces in box],
        ):
            left = rules
            for masks, piece in zip(self.masks, point, strict=True):
                left &= masks[piece]
            if not left:
                return point
        return None

    def covered_by_one(self, box: Sequence[int], rules: int) -> int:
        """Return which of the rules cover a box whole."""
        found = 0
        for rule in bits(self.touching(box, rules)):
            self.budget.spend(1)
            if all(pieces & ~accepts[rule] == 0 for pieces, accepts in zip(box, self.accepts, strict=True)):
                found |= 1 << rule
        return found


class _Search:
    """Depth-first over the axes; among pieces that leave the same rules one is enough."""

    def __init__(self, cover: Cover, box: Sequence[int], rules: int) -> None:
        self.cover = cover
        self.rules = rules
        self.choices = [self._distinct(axis, pieces) for axis, pieces in enumerate(box)]
        # most telling axis first: where each choice leaves few rules
        self.order = sorted(
            range(len(box)),
            key=lambda axis: sum(mask.bit_count() for mask in self.choices[axis]) / len(self.choices[axis]),
        )
        self.whole = self._whole_behind()
        self.dead: set[tuple[int, int]] = set()

    def _distinct(self, axis: int, pieces: int) -> dict[int, int]:
        """Return a piece for each set of rules that a piece of the axis can leave."""
        masks = self.cover.masks[axis]
        places = list(bits(pieces))
        self.cover.budget.spend(len(places))
        return {masks[piece] & self.rules: piece for piece in reversed(places)}

    def _whole_behind(self) -> list[int]:
        """Return per depth which rules accept everything on the axes still to come."""
        whole = [self.rules]
        for axis in reversed(self.order):
            accepted_by_all = self.rules
            for mask in self.choices[axis]:
                accepted_by_all &= mask
            whole.append(whole[-1] & accepted_by_all)
        return whole[::-1]

    def point(self) -> list[int] | None:
        """Return an uncovered point."""
        found = self._from(0, self.rules)
        if found is None:
            return None
        point = [0] * len(self.order)
        for axis, piece in zip(self.order, found, strict=True):
            point[axis] = piece
        return point

    def _from(self, depth: int, alive: int) -> list[int] | None:
        if alive & self.whole[depth]:
            return None
        if not alive:
            return [next(iter(self.choices[axis].values())) for axis in self.order[depth:]]
        if (depth, alive) in self.dead:
            return None
        tried: list[int] = []
        for left, piece in self._options(self.order[depth], alive):
            # what is covered with fewer rules is covered with more
            if any(left & failed == failed for failed in tried):
                continue
            rest = self._from(depth + 1, left)
            if rest is not None:
                return [piece, *rest]
            if len(tried) < 16:
                tried.append(left)
        self.dead.add((depth, alive))
        return None

    def _options(self, axis: int, alive: int) -> list[tuple[int, int]]:
        choices = self.choices[axis]
        self.cover.budget.spend(len(choices))
        options = {mask & alive: piece for mask, piece in choices.items()}
        return sorted(options.items(), key=lambda option: (option[0].bit_count(), option[1]))
