"""A period as people write it: ``2026``, ``2026-Q4``, ``2026-11`` or ``2026-11-01..2026-11-20``."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date

FORMS = "2026, 2026-Q4, 2026-11, 2026-11-01..2026-11-20, or the name of a fiscal period"

_YEAR = re.compile(r"(\d{4})")
_QUARTER = re.compile(r"(\d{4})-Q([1-4])")
_MONTH = re.compile(r"(\d{4})-(\d{2})")
_DAYS = re.compile(r"(\d{4}-\d{2}-\d{2})\.\.(\d{4}-\d{2}-\d{2})")


@dataclass(frozen=True)
class Period:
    """Whole days, both included. ``name`` is how it was asked for."""

    name: str
    first_day: date
    last_day: date

    def __post_init__(self) -> None:
        if self.first_day > self.last_day:
            raise ValueError(f"period {self.name} ends on {self.last_day}, before it begins")

    def __str__(self) -> str:
        return f"{self.first_day} to {self.last_day}"


def read_period(text: str) -> Period | None:
    """Return the period of the calendar that is written so; ``None`` if it is none of these forms.

    :raises ValueError: The form is one of these, but there are no such days.
    """
    if match := _YEAR.fullmatch(text):
        return _months(text, int(match[1]), 1, 12)
    if match := _QUARTER.fullmatch(text):
        return _months(text, int(match[1]), 3 * int(match[2]) - 2, 3 * int(match[2]))
    if match := _MONTH.fullmatch(text):
        return _months(text, int(match[1]), int(match[2]), int(match[2]))
    if match := _DAYS.fullmatch(text):
        return Period(text, date.fromisoformat(match[1]), date.fromisoformat(match[2]))
    return None


def _months(text: str, year: int, first: int, last: int) -> Period:
    if not 1 <= last <= 12 or not 1 <= year < 9999:
        raise ValueError(f"there is no {text} in the calendar")
    return Period(text, date(year, first, 1), date(year, last, monthrange(year, last)[1]))
