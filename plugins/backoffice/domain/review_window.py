"""How long a run waits for answers: one decision, shared by the sensor and its trigger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

# A case in one of these states still needs a person.
UNANSWERED = ("open", "half_decided")
# A person answered it, booked or not.
ANSWERED = ("decided", "settled")
STATES = (*UNANSWERED, *ANSWERED, "superseded")

Until = Literal["all", "any", "quorum", "amount"]
Verdict = Literal["settled", "answered", "wait", "window_over"]


@dataclass(frozen=True)
class Goal:
    """What ends the waiting before the window does; what is open then is carried over.

    :param until: ``"all"`` cases answered; ``"any"``: the first answer; ``"quorum"``: so many answers;
        ``"amount"``: answered cases that amount to so much.
    :param quorum: Number of answers, for ``"quorum"`` alone.
    :param share: For ``"amount"``: the answered part of all amounts, above 0 and at most 1, to be reached in
        every currency. A case of unknown amount may be the largest: each of those must be answered.
    :param amount: For ``"amount"`` instead of a share: the sum of answered amounts, in ``currency``.
    """

    until: Until = "all"
    quorum: int | None = None
    share: Decimal | None = None
    amount: Decimal | None = None
    currency: str | None = None

    def __post_init__(self) -> None:
        if self.until not in ("all", "any", "quorum", "amount"):
            raise ValueError(f"until is {self.until!r}; it is one of all, any, quorum, amount")
        if (self.until == "quorum") != (self.quorum is not None):
            raise ValueError('quorum belongs to until="quorum", which needs it')
        if self.quorum is not None and self.quorum < 1:
            raise ValueError(f"quorum is {self.quorum}; it is at least 1")
        self._check_amount()

    def _check_amount(self) -> None:
        if (self.until == "amount") != (self.share is not None or self.amount is not None):
            raise ValueError('share or amount belongs to until="amount", which needs one of them')
        if self.share is not None and (self.amount is not None or not 0 < self.share <= 1):
            raise ValueError(f"share is {self.share}; it is above 0 and at most 1, and stands without amount")
        if (self.amount is None) != (self.currency is None):
            raise ValueError("an amount and its currency belong together")
        if self.amount is not None and self.amount <= 0:
            raise ValueError(f"amount is {self.amount}; it is above 0")

    def as_kwargs(self) -> dict[str, str | int | None]:
        """Return the goal as primitives, numbers as exact text."""
        return {
            "until": self.until,
            "quorum": self.quorum,
            "share": None if self.share is None else str(self.share),
            "amount": None if self.amount is None else str(self.amount),
            "currency": self.currency,
        }


@dataclass(frozen=True)
class CaseCounts:
    """How many cases a run opened, by the state they are in now, and what they amount to.

    :param by_state: Number of cases per state; a state that is missing has none.
    :param amounts: Sum per state and currency, of the cases whose amount is known.
    :param unknown: Number of cases per state whose amount is unknown.
    """

    by_state: Mapping[str, int]
    amounts: Mapping[tuple[str, str], Decimal] = field(default_factory=dict)
    unknown: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = sorted(set(self.by_state) - set(STATES))
        if unknown:
            raise ValueError(f"unknown case states {unknown}; known are {list(STATES)}")

    @property
    def opened(self) -> int:
        """All cases the run opened, in whatever state."""
        return sum(self.by_state.values())

    @property
    def unanswered(self) -> int:
        """Cases that still need a person."""
        return sum(self.by_state.get(state, 0) for state in UNANSWERED)

    @property
    def answered(self) -> int:
        """Cases that a person answered, booked or not; what facts settled does not count."""
        return sum(self.by_state.get(state, 0) for state in ANSWERED)

    def reached(self, goal: Goal) -> bool:
        """Tell whether people answered as much as the goal asks for; facts alone reach no goal."""
        if goal.until == "quorum":
            return self.answered >= (goal.quorum or 1)
        if goal.until == "any":
            return self.answered > 0
        if goal.until == "amount":
            return self._amount_reached(goal)
        return self.unanswered == 0

    def _amount_reached(self, goal: Goal) -> bool:
        if goal.amount is not None:
            return self._sum(ANSWERED, goal.currency or "") >= goal.amount
        if self.answered == 0 or any(self.unknown.get(state, 0) for state in UNANSWERED):
            return False
        share = goal.share or Decimal(1)
        return all(
            self._sum(ANSWERED, currency) >= share * self._sum((*ANSWERED, *UNANSWERED), currency)
            for currency in {currency for _, currency in self.amounts}
        )

    def _sum(self, states: tuple[str, ...], currency: str) -> Decimal:
        return sum((self.amounts.get((state, currency), Decimal(0)) for state in states), Decimal(0))

    def as_dict(self) -> dict[str, int]:
        """Return the number opened and the number in each state, none left out."""
        return {"opened": self.opened, **{state: self.by_state.get(state, 0) for state in STATES}}


def window_end(started_at: datetime, review_window: timedelta) -> datetime:
    """Return when waiting ends: ``started_at`` plus the window.

    The run's start in the ledger counts, not the sensor's: a retried or cleared sensor waits no longer than
    the first.
    """
    if started_at.tzinfo is None:
        raise ValueError("started_at has no time zone")
    if review_window < timedelta(0):
        raise ValueError(f"the review window is {review_window}, less than nothing")
    return started_at + review_window


EVERY_CASE = Goal()


def judge_waiting(
    counts: CaseCounts, window_until: datetime, now: datetime, goal: Goal = EVERY_CASE
) -> Verdict:
    """Decide whether to wait on: no unanswered case is ``settled``, else ``wait`` until the window's end.

    A goal that is reached before that ends the waiting as ``answered``.

    An answer that came with the last tick counts as answered: the cases are looked at before the clock. So
    ``now`` must not be later than the look at the cases. The end of the window decides nothing about a case;
    what is open stays open.
    """
    if counts.unanswered == 0:
        return "settled"
    if counts.reached(goal):
        return "answered"
    return "window_over" if now >= window_until else "wait"


def result_of(verdict: Verdict, window_until: datetime | None, counts: CaseCounts | None) -> dict[str, Any]:
    """Return the result of a task that waited; without counts nobody could be asked how the cases stand."""
    return {
        "status": verdict,
        "window_until": window_until.isoformat() if window_until else None,
        **(counts.as_dict() if counts else dict.fromkeys(("opened", *STATES))),
    }
