"""When a service is started, given up for a while, or believed to be well; no process is touched here.

::

    waiting ──needs are well──► starting ──healthy──► healthy ◄──► unhealthy
       ▲                           │                     │             │
       └──────── backing off ◄─────┴── it ended, or took too long ─────┘
                     │
                 failing: after a few starts in a row that did not hold; tried again once a minute, loud in
                 `status`

A service that runs once (a migration) ends in ``done``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class State(StrEnum):
    """What a service is doing."""

    WAITING = "waiting"
    STARTING = "starting"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    BACKING_OFF = "backing off"
    FAILING = "failing"
    DONE = "done"
    STOPPED = "stopped"


class Move(StrEnum):
    """What to do with the service's process now."""

    NOTHING = "nothing"
    START = "start"
    END = "end"


@dataclass(frozen=True)
class RestartPolicy:
    """How a service comes back. All times in seconds.

    :param first_delay: Pause before the first restart; doubles with each further one.
    :param longest_delay: Pause at most.
    :param start_limit: Starts in a row that did not hold, after which the service counts as failing.
    :param failing_delay: Pause between the attempts of a failing service.
    :param holds_after: Healthy this long, a service has held, and the count begins anew.
    :param start_timeout: A service not healthy by then is ended and counted as a failed start.
    :param stall_timeout: A service that was healthy and then is not for this long is ended and started again.
    """

    first_delay: float = 1.0
    longest_delay: float = 30.0
    start_limit: int = 5
    failing_delay: float = 60.0
    holds_after: float = 60.0
    start_timeout: float = 240.0
    stall_timeout: float = 180.0

    def delay(self, failures: int) -> float:
        """Return the pause after so many failures in a row (1 for the first)."""
        if failures >= self.start_limit:
            return self.failing_delay
        return float(min(self.longest_delay, self.first_delay * 2 ** max(0, failures - 1)))


@dataclass
class Watch:
    """The state of one service and the rules by which it changes; ``now`` is a monotonic clock in seconds."""

    policy: RestartPolicy = field(default_factory=RestartPolicy)
    once: bool = False
    state: State = State.WAITING
    failures: int = 0
    restarts: int = 0
    _since: float = 0.0
    _well_since: float | None = None
    _ill_since: float | None = None
    _not_before: float = 0.0

    def step(
        self, now: float, *, needs_met: bool, exit_code: int | None, well: bool | None, running: bool
    ) -> Move:
        """Take in what is seen of the service and return what to do.

        :param needs_met: Whether everything that the service needs is well.
        :param exit_code: How the process ended, where it just has.
        :param well: Whether its health check passes; None where nothing can be said now.
        :param running: Whether a process of it runs.
        """
        if self.state in (State.DONE, State.STOPPED):
            return Move.NOTHING
        if exit_code is not None:
            return self._ended(now, exit_code)
        if not running:
            return self._maybe_start(now, needs_met)
        if well is None:
            return Move.NOTHING
        if well:
            return self._seen_well(now)
        return self._seen_ill(now)

    def _maybe_start(self, now: float, needs_met: bool) -> Move:
        if now < self._not_before or not needs_met:
            return Move.NOTHING
        self._enter(State.STARTING if self.state is not State.FAILING else State.FAILING, now)
        self._well_since = self._ill_since = None
        return Move.START

    def _ended(self, now: float, exit_code: int) -> Move:
        if self.once and exit_code == 0:
            self._enter(State.DONE, now)
            return Move.NOTHING
        held = self._well_since is not None and now - self._well_since >= self.policy.holds_after
        self.failures = 1 if held else self.failures + 1
        self.restarts += 1
        self._not_before = now + self.policy.delay(self.failures)
        self._enter(State.FAILING if self.failures >= self.policy.start_limit else State.BACKING_OFF, now)
        return Move.NOTHING

    def _seen_well(self, now: float) -> Move:
        self._ill_since = None
        if self._well_since is None:
            self._well_since = now
        if now - self._well_since >= self.policy.holds_after:
            self.failures = 0
        self._enter(State.HEALTHY, now)
        return Move.NOTHING

    def _seen_ill(self, now: float) -> Move:
        if self._well_since is None:  # has never been well since its start
            late = now - self._since > self.policy.start_timeout
            return Move.END if late else Move.NOTHING
        if self._ill_since is None:
            self._ill_since = now
        self._enter(State.UNHEALTHY, now)
        return Move.END if now - self._ill_since > self.policy.stall_timeout else Move.NOTHING

    def _enter(self, state: State, now: float) -> None:
        if state is not self.state or state in (State.STARTING, State.FAILING):
            self._since = now
        self.state = state
