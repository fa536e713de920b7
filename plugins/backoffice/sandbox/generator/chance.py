"""Chance that can be repeated: the same key gives the same choices on every machine and Python version."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Chance:
    """A stream of choices that belongs to one key, for example a seed and the number of a planting.

    Everything is derived from ``Random.random()``, the only sequence that Python promises never to change.
    Streams of different keys do not touch each other: one planting more leaves the others as they were.
    """

    def __init__(self, *key: object) -> None:
        self._random = Random("/".join(str(part) for part in key))  # noqa: S311 - repeatable, not secret

    def whole(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + int(self._random.random() * (high - low + 1))

    def hit(self, percent: int) -> bool:
        """True in so many of a hundred cases."""
        return self.whole(1, 100) <= percent

    def pick(self, choices: Sequence[T]) -> T:
        """One of the choices."""
        return choices[self.whole(0, len(choices) - 1)]

    def decimal(self, low: int, high: int, places: int) -> Decimal:
        """A number with so many decimal places, given and drawn in its smallest unit."""
        return Decimal(self.whole(low, high)).scaleb(-places)

    def digits(self, count: int) -> str:
        """A text of so many digits."""
        return "".join(str(self.whole(0, 9)) for _ in range(count))

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """The items in another order."""
        mixed = list(items)
        for last in range(len(mixed) - 1, 0, -1):
            other = self.whole(0, last)
            mixed[last], mixed[other] = mixed[other], mixed[last]
        return mixed
