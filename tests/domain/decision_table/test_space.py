"""The search for a point that no rule covers finds one exactly when trying every point does."""

from __future__ import annotations

import random
from itertools import product

import pytest

from backoffice.domain.decision_table.axes import accepted_pieces
from backoffice.domain.decision_table.space import Budget, Cover, TooLarge, _Search


class Axis:
    """An axis of which only what the search reads is there."""

    def __init__(self, accepts: list[int], size: int, occurs: int) -> None:
        self.masks = [
            sum(1 << rule for rule, box in enumerate(accepts) if box >> piece & 1) for piece in range(size)
        ]
        self.occurs = occurs
        self.accepts = accepted_pieces(self.masks, len(accepts))


def drawn(chance: random.Random) -> tuple[Cover, list[Axis], int]:
    rules, axes = chance.randint(1, 9), []
    for _ in range(chance.randint(1, 4)):
        size = chance.randint(1, 4)
        accepts = [chance.randint(1, 2**size - 1) | chance.randint(0, 2**size - 1) for _ in range(rules)]
        axes.append(Axis(accepts, size, chance.randint(1, 2**size - 1)))
    return Cover(axes, Budget(rules)), axes, rules  # type: ignore[arg-type]


def hits(axes: list[Axis], point: tuple[int, ...] | list[int]) -> int:
    found = -1
    for axis, piece in zip(axes, point, strict=True):
        found &= axis.masks[piece]
    return found


def test_the_search_is_exact() -> None:
    chance = random.Random(1)
    covered = 0
    for _ in range(4_000):
        cover, axes, rules = drawn(chance)
        box = [axis.occurs for axis in axes]
        asked = chance.randint(0, 2**rules - 1)
        points = product(*(cover_pieces(pieces) for pieces in box))
        open_points = [point for point in points if not hits(axes, point) & asked]
        for found in (cover.uncovered(box, asked), _Search(cover, box, cover.touching(box, asked)).point()):
            assert (found is not None) == bool(open_points)
            assert found is None or tuple(found) in open_points
        covered += not open_points
    assert 400 < covered < 3_600


def cover_pieces(bits: int) -> list[int]:
    return [piece for piece in range(bits.bit_length()) if bits >> piece & 1]


def test_the_budget_ends_the_search() -> None:
    """Two axes of two pieces, four rules that cover one corner each: nothing covers whole, everything is covered."""
    axes = [Axis([1, 1, 2, 2], 2, 3), Axis([1, 2, 1, 2], 2, 3)]
    assert Cover(axes, Budget(4)).uncovered([3, 3], 15) is None  # type: ignore[arg-type]
    with pytest.raises(TooLarge):
        Cover(axes, Budget(4, work=5)).uncovered([3, 3], 15)  # type: ignore[arg-type]
