"""Decides which stories a company of some size and mix tells, to the document."""

from __future__ import annotations

from collections.abc import Sequence

from backoffice.sandbox.generator.chance import Chance
from backoffice.sandbox.generator.model import OUTCOMES, Mix, Outcome
from backoffice.sandbox.generator.plants import ALL, Plant

SHARES: dict[Mix, dict[Outcome, int]] = {
    "clean": {"approve": 79, "wait": 4, "review": 14, "quarantined": 2, "already_known": 1},
    "realistic": {"approve": 46, "wait": 20, "review": 28, "quarantined": 4, "already_known": 2},
}
"""Percent of the documents. ``clean`` means lines: its faultless documents have more of them."""


class _Deck:
    """The stories of one outcome, dealt one by one.

    First those that no company may go without; then, of what must not pass, every other one once; then all of
    them by weight, over and over.
    """

    def __init__(self, plants: Sequence[Plant], chance: Chance) -> None:
        self._plants = plants
        self._chance = chance
        self._left = chance.shuffled([plant for plant in plants if plant.first])
        if plants[0].main != "approve":
            self._left += chance.shuffled([plant for plant in plants if not plant.first])

    def deal(self, left: dict[Outcome, int]) -> Plant:
        """The next story whose documents still fit into what is left to plant."""
        for _ in range(2):
            for at, plant in enumerate(self._left):
                if all(left[outcome] >= count for outcome, count in plant.yields().items()):
                    return self._left.pop(at)
            self._refill()
        raise ValueError(f"no story fits into {left}")

    def _refill(self) -> None:
        weighted = [plant for plant in self._plants for _ in range(plant.weight)]
        self._left += self._chance.shuffled(weighted)


def budget(mix: Mix, size: int) -> dict[Outcome, int]:
    """How many documents of each outcome there will be; the remainder is faultless."""
    counts: dict[Outcome, int] = {outcome: size * percent // 100 for outcome, percent in SHARES[mix].items()}
    counts["approve"] += size - sum(counts.values())
    return counts


def plan(seed: int, mix: Mix, size: int) -> list[Plant]:
    """The stories to tell; together they send exactly ``size`` documents."""
    chance = Chance(seed, "plan", mix, size)
    left = budget(mix, size)
    chosen: list[Plant] = []
    for outcome in reversed(OUTCOMES):
        deck = _Deck([plant for plant in ALL if plant.main == outcome], chance)
        while left[outcome]:
            plant = deck.deal(left)
            for yielded, count in plant.yields().items():
                left[yielded] -= count
            chosen.append(plant)
    return chance.shuffled(chosen)
