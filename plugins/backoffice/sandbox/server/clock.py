"""The server's clock: what has not happened by its time cannot be seen."""

from __future__ import annotations

import threading
import time
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day

_TICK = timedelta(microseconds=1)
_MIDNIGHT = time_of_day(0, tzinfo=UTC)


class SandboxClock:
    """A clock that starts at a moment and then runs, or stands still if it is frozen.

    A moment that was given to a new record (``stamp``) never comes again: whoever asks for everything before
    now finds the record at once, and whoever asked before the stamp has not missed it.

    :param start: Aware; naive moments are refused.
    :param frozen: Stand still but for stamps and ``set``.
    """

    def __init__(self, start: datetime, *, frozen: bool = False) -> None:
        self._lock = threading.Lock()
        self._frozen = frozen
        self._start = _aware(start)
        self._started = time.monotonic()

    def now(self) -> datetime:
        """The present moment in UTC."""
        with self._lock:
            return self._now()

    def stamp(self) -> datetime:
        """The moment of something that happens now; the clock is past it afterwards."""
        with self._lock:
            moment = self._now()
            self._restart(moment + _TICK)
            return moment

    def set(self, moment: datetime) -> None:
        """Put the clock to a moment, earlier or later."""
        with self._lock:
            self._restart(_aware(moment))

    def _now(self) -> datetime:
        if self._frozen:
            return self._start
        return self._start + timedelta(seconds=time.monotonic() - self._started)

    def _restart(self, moment: datetime) -> None:
        self._start, self._started = moment, time.monotonic()


def usual_start(anchor: date) -> datetime:
    """Now, or the first moment of the anchor (UTC) if that is still to come.

    The whole company can be seen from then on, and the clock never goes back when the server starts again.
    """
    return max(datetime.now(UTC), datetime.combine(anchor, _MIDNIGHT))


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone")
    return moment.astimezone(UTC)


def written(moment: datetime) -> str:
    """The moment as the server writes it: 2026-03-01T06:00:00.000000Z, always of one length."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def read(text: str) -> datetime:
    """The moment that a client wrote.

    :raises ValueError: Not ISO 8601, or without a time zone.
    """
    return _aware(datetime.fromisoformat(text))
