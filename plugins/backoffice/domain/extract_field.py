"""How one field of a record is made from the columns of an extract's joined tables.

Values stay text as exported; typing (and refusing) is the record's business. What the profile's own rules
cannot read (an undeclared movement type, an impossible day) is refused here, with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from backoffice.domain.canonical import time_text
from backoffice.domain.typed_value import Defect, UnreadableValueError, printed

Row = Mapping[str, str | None]
"""One joined row: ``table.COLUMN`` to its text; None where the joined table has no such row."""

_DAY = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})\Z")
_TIME = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{2})\Z")
_NO_DAY = "00000000"
_PLACE = re.compile(r"\{([a-z0-9_]+\.[A-Za-z0-9_]+)\}")
OCCURRENCE = "occurrence"


@dataclass(frozen=True, slots=True)
class Signs:
    """Which codes of a column turn the sign of a value; codes in neither list are refused."""

    column: str
    plus: frozenset[str]
    minus: frozenset[str]

    def turn(self, row: Row, text: str) -> str:
        """Return ``text`` with the sign that the row's code gives it."""
        code = (row[self.column] or "").strip()
        if code in self.plus:
            return text
        if code in self.minus:
            return text[1:] if text.startswith("-") else f"-{text}"
        raise UnreadableValueError(
            f"{self.column} {code!r} is not declared: whether it adds or takes away is unknown"
        )


@dataclass(frozen=True, slots=True)
class FieldSource:
    """One field: the columns it needs and how it is made of them."""

    columns: tuple[str, ...]
    make: Callable[[Row], object]


def column(name: str, signs: Signs | None = None) -> FieldSource:
    """The text of a column, with the sign of the row if ``signs`` are given."""

    def make(row: Row) -> object:
        text = (row[name] or "").strip()
        return signs.turn(row, text) if signs and text else text or None

    return FieldSource((name, signs.column) if signs else (name,), make)


def constant(value: object, signs: Signs | None = None) -> FieldSource:
    """The same value in every record: what the extract does not carry and the profile declares."""
    if signs is None:
        return FieldSource((), lambda _: value)
    return FieldSource((signs.column,), lambda row: signs.turn(row, str(value)))


def equals(name: str, expected: str) -> FieldSource:
    """Whether a column holds exactly this text; unknown where there is no such row."""

    def make(row: Row) -> object:
        text = row[name]
        return None if text is None else text.strip() == expected

    return FieldSource((name,), make)


def composed(pattern: str) -> FieldSource:
    """A text with ``{table.COLUMN}`` places; nothing if any of them is empty."""
    names = tuple(_PLACE.findall(pattern))

    def make(row: Row) -> object:
        parts = {name: (row[name] or "").strip() for name in names}
        return _PLACE.sub(lambda place: parts[place[1]], pattern) if all(parts.values()) else None

    return FieldSource(names, make)


def sap_day(name: str) -> FieldSource:
    """A day exported as ``YYYYMMDD``; ``00000000`` is none."""

    def make(row: Row) -> object:
        text = (row[name] or "").strip()
        return None if text in ("", _NO_DAY) else _iso_day(text)

    return FieldSource((name,), make)


def sap_moment(day: str, time: str, zone: ZoneInfo) -> FieldSource:
    """A point in time exported as ``YYYYMMDD`` and ``HHMMSS`` in the system's own zone."""

    def make(row: Row) -> object:
        day_text, time_text_ = (row[day] or "").strip(), (row[time] or "").strip()
        if day_text in ("", _NO_DAY):
            return None
        found = _TIME.match(time_text_)
        if not found:
            raise UnreadableValueError(f"time {time_text_!r} is not of the form HHMMSS")
        iso_day = _iso_day(day_text)
        try:
            local = datetime.fromisoformat(f"{iso_day}T{found[1]}:{found[2]}:{found[3]}")
            return time_text(local.replace(tzinfo=zone).astimezone(UTC))
        except (ValueError, OverflowError) as error:
            raise UnreadableValueError(f"{day_text} {time_text_} is no point in time") from error

    return FieldSource((day, time), make)


def occurrence() -> FieldSource:
    """Which one of several identical rows this is: 1, 2, ..."""
    return FieldSource((), lambda row: row[OCCURRENCE])


def make_fields(sources: Mapping[str, FieldSource], row: Row) -> tuple[dict[str, object], tuple[Defect, ...]]:
    """Return the record's fields as exported, and what the profile's own rules refused."""
    fields: dict[str, object] = {}
    refused = []
    for name, source in sources.items():
        try:
            fields[name] = source.make(row)
        except UnreadableValueError as error:
            fields[name] = None
            shown = ", ".join(f"{column}={row[column]}" for column in source.columns)
            refused.append(Defect(name, printed(shown), str(error)))
    return fields, tuple(refused)


def _iso_day(text: str) -> str:
    found = _DAY.match(text)
    if not found:
        raise UnreadableValueError(f"day {text!r} is not of the form YYYYMMDD")
    return f"{found[1]}-{found[2]}-{found[3]}"
