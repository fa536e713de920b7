"""How much one log-in may ask for: a bucket of tokens per log-in and kind of request, in this process alone.

It keeps one runaway script from filling the few connections to the ledger; it is no account of anybody's
work, and a second API-server process has buckets of its own.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock

from fastapi import Request

from backoffice.web.auth import LoggedIn
from backoffice.web.problems import Problem, own_path

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_SEARCHING = frozenset({"q", "supplier"})
_MOST_BUCKETS = 10_000


@dataclass(frozen=True)
class Allowance:
    """So many at once, and so many per second after that."""

    burst: int
    per_second: float


ALLOWED: Mapping[str, Allowance] = {
    "write": Allowance(120, 4.0),
    "search": Allowance(40, 4.0),
    "evidence": Allowance(5, 0.1),
}


class Buckets:
    """The buckets of this process; those not used for longest are given up first.

    :param clock: Seconds that only grow.
    """

    def __init__(
        self, allowed: Mapping[str, Allowance] = ALLOWED, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._allowed = allowed
        self._clock = clock
        self._lock = Lock()
        self._buckets: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    def take(self, user_id: str, kind: str) -> float:
        """Take one token; return 0, or after how many seconds there is one again."""
        allowance, now = self._allowed[kind], self._clock()
        with self._lock:
            tokens, since = self._buckets.pop((user_id, kind), (float(allowance.burst), now))
            tokens = min(tokens + (now - since) * allowance.per_second, allowance.burst)
            wait = 0.0 if tokens >= 1 else (1 - tokens) / allowance.per_second
            self._buckets[user_id, kind] = (tokens - 1 if wait == 0 else tokens, now)
            while len(self._buckets) > _MOST_BUCKETS:
                self._buckets.popitem(last=False)
        return wait


def kind_of(request: Request) -> str | None:
    """Return which allowance a request uses up; None for reading a page."""
    if request.method not in _SAFE_METHODS:
        return "write"
    if own_path(request) == "/audit/evidence":
        return "evidence"
    return "search" if _SEARCHING & request.query_params.keys() else None


async def limit_rate(request: Request, principal: LoggedIn) -> None:
    """Let through what is within the log-in's allowance.

    :raises Problem: 429, with when to try again.
    """
    kind = kind_of(request)
    wait = request.app.state.rates.take(principal.user_id, kind) if kind is not None else 0.0
    if wait > 0:
        seconds = max(1, math.ceil(wait))
        raise Problem(
            429,
            f"This log-in asks for too much at once. Nothing was saved; try again in {seconds} seconds.",
            retry_after=seconds,
        )
