"""The business days the company's last month consists of.

The anchor is the day on whose morning somebody looks at the books: the newest records are those of the last
business day *before* it. So a server whose clock stands anywhere on the anchor shows the whole company.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from backoffice.sandbox.generator.chance import Chance

WINDOW = 22
"""Business days that are played, about thirty calendar days."""

_FRIDAY = 4


class Days:
    """Business days (Monday to Friday) by index: 0 is the oldest, ``last`` the newest."""

    def __init__(self, anchor: date) -> None:
        self.anchor = anchor
        days: list[date] = []
        day = anchor
        while len(days) < WINDOW:
            day -= timedelta(days=1)
            if day.weekday() <= _FRIDAY:
                days.append(day)
        self._days = days[::-1]
        self.last = WINDOW - 1

    def __getitem__(self, index: int) -> date:
        return self._days[index]

    def elapsed(self, index: int) -> int:
        """Business days after that day up to and including the anchor: Monday seen on Thursday is 3."""
        behind = self.last - index
        return behind + 1 if self.anchor.weekday() <= _FRIDAY else behind

    def waited(self, business_days: int) -> int:
        """The day from which so many business days have passed on the anchor."""
        return self.last + self.elapsed(self.last) - business_days

    @property
    def anchor_is_business_day(self) -> bool:
        """Whether the anchor is a Monday to Friday."""
        return self.anchor.weekday() <= _FRIDAY

    def moment(self, index: int, chance: Chance, opens: int = 7, closes: int = 15) -> datetime:
        """A second of that day between two hours UTC; the hours keep it on the same day all over Europe."""
        second = chance.whole(opens * 3600, closes * 3600)
        return datetime.combine(self._days[index], time(tzinfo=UTC)) + timedelta(seconds=second)
