"""How long a run waits for answers: one decision, shared by the sensor and its trigger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

# A case in one of these states still needs a person.
UNANSWERED = ("open", "half_decided")
STATES = ("open", "half_decided", "decided", "settled", "superseded")

# What ends the waiting: every case answered, or the first answer (what is open then is carried over).
Until = Literal["all", "any"]
Verdict = Literal["settled", "answered", "wait", "window_over"]


@dataclass(frozen=True)
class CaseCounts:
    """How many cases a run opened, by the state they are in now.

    :param by_state: Number of cases per state; a state that is missing has none.
    """

    by_state: Mapping[str, int]

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
        return self.by_state.get("decided", 0) + self.by_state.get("settled", 0)

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


def judge_waiting(counts: CaseCounts, window_until: datetime, now: datetime, until: Until = "all") -> Verdict:
    """Decide whether to wait on: no unanswered case is ``settled``, else ``wait`` until the window's end.

    With ``until="any"`` the first answer ends the waiting as ``answered``.

    An answer that came with the last tick counts as answered: the cases are looked at before the clock. The
    end of the window decides nothing about a case; what is open stays open.
    """
    if counts.unanswered == 0:
        return "settled"
    if until == "any" and counts.answered:
        return "answered"
    return "window_over" if now >= window_until else "wait"
