"""One listening connection per triggerer process and ledger, shared by every waiting review.

The listener holds a single database connection: it LISTENs, asks once for all waiting runs how their cases
stand, then sleeps until a case is answered, a new run starts waiting, the shortest poll interval passes or a
window ends. A notification is only a reason to look; what counts is what the ledger then says. So a
notification that is lost, doubled or forged changes nothing but the moment of looking.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

import psycopg
from psycopg.conninfo import make_conninfo

from backoffice.domain.review_window import EVERY_CASE, CaseCounts, Goal, Verdict, judge_waiting
from backoffice.settings import sql

CHANNEL = "backoffice_review"
# An answer wakes the run at once; a burst of answers within this many seconds costs one look, not one each.
_BURST_SECONDS = 0.2
_FIRST_BACK_OFF_SECONDS = 1.0
_LONGEST_BACK_OFF_SECONDS = 30.0
_KEEPALIVE = {
    "keepalives": "1",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    # a network that swallows what is sent is no answer either
    "tcp_user_timeout": "60000",
}

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """Why waiting ended; ``counts`` is missing when the window ended while the ledger was out of reach."""

    verdict: Verdict
    counts: CaseCounts | None


@dataclass(eq=False)
class _Waiting:
    """One run that waits."""

    run_id: int
    process: str
    window_until: datetime
    poll_seconds: float
    goal: Goal
    outcome: asyncio.Future[Outcome] = field(repr=False)

    def settle(self, verdict: Verdict, counts: CaseCounts | None) -> None:
        if verdict != "wait" and not self.outcome.done():
            self.outcome.set_result(Outcome(verdict, counts))


class ReviewListener:
    """Wait for answered cases on one connection, for any number of runs.

    :param dsn: Connection string of a log-in that may read ``review.case``.
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = make_conninfo(dsn, **_KEEPALIVE)
        self._count_cases = sql("review/count_cases_of_runs")
        self._waiting: set[_Waiting] = set()
        self._nudge = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """Number of runs that wait now."""
        return len(self._waiting)

    async def wait(
        self,
        *,
        run_id: int,
        process: str,
        window_until: datetime,
        poll_seconds: float,
        goal: Goal = EVERY_CASE,
    ) -> Outcome:
        """Return when no case of the run is unanswered, its goal is reached, or its window is over.

        A ledger that is out of reach is waited for: it never ends the waiting early and never makes it fail.
        """
        waiting = _Waiting(
            run_id, process, window_until, poll_seconds, goal, asyncio.get_running_loop().create_future()
        )
        self._waiting.add(waiting)
        self._nudge.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._serve_or_tell(), name="backoffice-review-listener")
        try:
            return await waiting.outcome
        finally:
            self._waiting.discard(waiting)

    async def close(self) -> None:
        """End the listening and close the connection."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    # -- the listening task ----------------------------------------------------------------------------------

    async def _serve_or_tell(self) -> None:
        """Serve; an error that is neither the ledger's nor the network's reaches those who wait."""
        try:
            await self._serve()
        except Exception as error:
            for waiting in self._waiting:
                if not waiting.outcome.done():
                    waiting.outcome.set_exception(error)

    async def _serve(self) -> None:
        """Listen for as long as the listener lives; a lost connection is made anew after growing pauses."""
        pause = _FIRST_BACK_OFF_SECONDS
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(self._dsn, autocommit=True) as connection:
                    await connection.execute(
                        f"LISTEN {CHANNEL}"
                    )  # before the first look: nothing falls between
                    while True:
                        await self._look(connection)
                        pause = _FIRST_BACK_OFF_SECONDS
                        await self._sleep(connection)
            except (psycopg.Error, OSError) as error:
                log.warning(
                    "listening for answers broke off (%s); trying again in %.0f s",
                    type(error).__name__,
                    pause,
                )
            self._end_windows()
            await asyncio.sleep(min(pause, max(self._seconds_to_next_window(), 0.05)))
            pause = min(pause * 2, _LONGEST_BACK_OFF_SECONDS)

    async def _look(self, connection: psycopg.AsyncConnection) -> None:
        """Ask once for all waiting runs how their cases stand, and end the waiting of those that are done."""
        self._nudge.clear()
        by_process: defaultdict[str, list[_Waiting]] = defaultdict(list)
        for waiting in self._waiting:
            by_process[waiting.process].append(waiting)
        for process, waiting_runs in by_process.items():
            run_ids = sorted({waiting.run_id for waiting in waiting_runs})
            # read before the cases: an answer that the window's last moment brought must not come too late
            now = datetime.now(UTC)
            cursor = await connection.execute(self._count_cases, {"run_ids": run_ids, "process": process})
            counts = counts_by_run(await cursor.fetchall())
            for waiting in waiting_runs:
                counted = counts.get(waiting.run_id, CaseCounts({}))
                waiting.settle(judge_waiting(counted, waiting.window_until, now, waiting.goal), counted)

    async def _sleep(self, connection: psycopg.AsyncConnection) -> None:
        """Sleep until there is a reason to look: an answer, a newcomer, the poll interval, a window's end."""
        still = [waiting for waiting in self._waiting if not waiting.outcome.done()]
        seconds = min((waiting.poll_seconds for waiting in still), default=_LONGEST_BACK_OFF_SECONDS)
        seconds = min(seconds, max(self._seconds_to_next_window(), 0.0))
        notified = asyncio.create_task(_next_notification(connection, seconds))
        nudged = asyncio.create_task(self._nudge.wait())
        try:
            done, _ = await asyncio.wait({notified, nudged}, return_when=asyncio.FIRST_COMPLETED)
            if notified in done and notified.result():
                await asyncio.sleep(_BURST_SECONDS)
        finally:
            for task in (notified, nudged):
                task.cancel()
            await asyncio.gather(notified, nudged, return_exceptions=True)
        if connection.broken:
            raise psycopg.OperationalError("the listening connection is gone")

    def _end_windows(self) -> None:
        """End the waiting of runs whose window is over although the ledger cannot be asked."""
        now = datetime.now(UTC)
        for waiting in self._waiting:
            if now >= waiting.window_until:
                waiting.settle("window_over", None)

    def _seconds_to_next_window(self) -> float:
        now = datetime.now(UTC)
        return min(
            (
                (waiting.window_until - now).total_seconds()
                for waiting in self._waiting
                if not waiting.outcome.done()
            ),
            default=_LONGEST_BACK_OFF_SECONDS,
        )


async def _next_notification(connection: psycopg.AsyncConnection, seconds: float) -> bool:
    """Return True at the next notification, False when ``seconds`` have passed without one."""
    received = False
    async for _ in connection.notifies(timeout=seconds, stop_after=1):
        received = True
    return received


def counts_by_run(rows: Iterable[tuple[int, str, str | None, int, Decimal | None]]) -> dict[int, CaseCounts]:
    """Turn rows of (run, state, currency, number, amount) into the counts of each run."""
    by_run: defaultdict[int, list[tuple[str, str | None, int, Decimal | None]]] = defaultdict(list)
    for run_id, state, currency, cases, amount in rows:
        by_run[run_id].append((state, currency, cases, amount))
    return {run_id: _counts(found) for run_id, found in by_run.items()}


def _counts(rows: list[tuple[str, str | None, int, Decimal | None]]) -> CaseCounts:
    by_state: Counter[str] = Counter()
    unknown: Counter[str] = Counter()
    amounts: dict[tuple[str, str], Decimal] = {}
    for state, currency, cases, amount in rows:
        by_state[state] += cases
        if currency is None or amount is None:
            unknown[state] += cases
        else:
            amounts[state, currency] = amount
    return CaseCounts(by_state, amounts, unknown)


# -- one listener per ledger and event loop, closed with its last user ---------------------------------------

_listeners: dict[tuple[int, str], tuple[ReviewListener, int]] = {}


@asynccontextmanager
async def shared_listener(dsn: str) -> AsyncIterator[ReviewListener]:
    """Yield the process's one listener for ``dsn``; the last one to leave closes its connection."""
    key = (id(asyncio.get_running_loop()), dsn)
    listener, users = _listeners.get(key) or (ReviewListener(dsn), 0)
    _listeners[key] = (listener, users + 1)
    try:
        yield listener
    finally:
        listener, users = _listeners[key]
        if users > 1:
            _listeners[key] = (listener, users - 1)
        else:
            del _listeners[key]  # before the await: whoever comes next opens a new one
            await listener.close()
