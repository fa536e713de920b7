"""What a planting is: a story, and how many documents of which outcome it sends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from backoffice.sandbox.generator.limits import STEP
from backoffice.sandbox.generator.model import OUTCOMES, Fault, Outcome
from backoffice.sandbox.generator.scene import Scene
from backoffice.sandbox.generator.ubl import plain

SIDES: tuple[tuple[str, Decimal], ...] = (("below", -STEP), ("at", Decimal("0.00")), ("above", STEP))
"""The three places beside a limit, as the distance beyond it."""


@dataclass(frozen=True, slots=True)
class Plant:
    """A story that can be planted.

    :param sow: Tells the story on a scene.
    :param first: It is planted before others are repeated, so that no company of some size goes without it.
    :param weight: How often it comes again among its like.
    """

    name: str
    sow: Callable[[Scene], object]
    approve: int = 0
    wait: int = 0
    review: int = 0
    quarantined: int = 0
    already_known: int = 0
    first: bool = False
    weight: int = 1

    def yields(self) -> dict[Outcome, int]:
        """How many documents of each outcome the story sends."""
        counts: dict[Outcome, int] = {
            "approve": self.approve,
            "wait": self.wait,
            "review": self.review,
            "quarantined": self.quarantined,
            "already_known": self.already_known,
        }
        return {outcome: count for outcome, count in counts.items() if count}

    @property
    def main(self) -> Outcome:
        """The rarest outcome among its documents, for which it is chosen."""
        return max(self.yields(), key=OUTCOMES.index)


def around(
    name: str, sow: Callable[..., object], *, others: int = 0, first: bool = True
) -> tuple[Plant, ...]:
    """A story told three times: just below a limit, on it, and just above, where it must be reviewed.

    :param sow: Takes the scene and ``beyond``, the distance past the limit.
    :param others: How many faultless documents the story needs besides.
    """
    return tuple(
        Plant(
            f"{name}_{side}",
            partial(sow, beyond=beyond),
            approve=others + (0 if beyond > 0 else 1),
            review=1 if beyond > 0 else 0,
            first=first,
        )
        for side, beyond in SIDES
    )


def beside(
    name: str,
    field: str,
    original: Decimal,
    altered: Decimal,
    *,
    limit: Decimal,
    unit: str,
    beyond: Decimal,
) -> Fault:
    """The note of a value set beside a limit.

    :param unit: Of the limit: percent, amount, quantity, business_days or calendar_days.
    :param beyond: How far past the limit the value lies, negative for within.
    """
    return Fault(
        name,
        field,
        plain(original),
        plain(altered),
        plain(altered - original),
        plain(limit),
        unit,
        f"{beyond:f}",
    )


def altered(name: str, field: str, original: object, value: object, by: Decimal | None = None) -> Fault:
    """The note of a value that was changed without standing beside a limit."""
    return Fault(
        name,
        field,
        None if original is None else str(original),
        None if value is None else str(value),
        None if by is None else plain(by),
    )
