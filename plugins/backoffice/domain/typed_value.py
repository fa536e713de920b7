"""Read one printed value into a type, or say why it cannot be read.

Sources print numbers, dates and flags as text. Whatever cannot be read exactly, or is larger than the
ledger's column, is never rounded, guessed or dropped: the caller keeps the value as printed together with
the reason.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Protocol

PRINTED_LENGTH = 200  # of a refused value, as shown to people
IDENTIFIER_LENGTH = 200  # three of them in UTF-8 still fit an index entry of the ledger
PROSE_LENGTH = 10_000

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)\Z")
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}\Z")
_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:Z|[+-][0-9]{2}:[0-9]{2})?\Z")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})?\Z"
)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class UnreadableValueError(ValueError):
    """A printed value is no value of the wanted kind; the message is the reason, in words for people."""


@dataclass(frozen=True, slots=True)
class Defect:
    """What could not be read: the field, the value as printed (cut to 200 characters), the reason."""

    field: str
    value: str | None
    reason: str

    def as_json(self) -> dict[str, str | None]:
        """Return the defect as it stands in a staging row."""
        return {"field": self.field, "value": self.value, "reason": self.reason}


class Kind(Protocol):
    """A kind of value: reads what a source printed."""

    def read(self, raw: object) -> Any:
        """Return the typed value, None for nothing.

        :raises UnreadableValueError: ``raw`` is no value of this kind.
        """


@dataclass(frozen=True, slots=True)
class Text:
    """Words, trimmed; empty is nothing. ``longest`` counts characters."""

    longest: int = IDENTIFIER_LENGTH

    def read(self, raw: object) -> str | None:
        """Return the trimmed text."""
        text = _printed(raw)
        if text is None:
            return None
        if len(text) > self.longest:
            raise UnreadableValueError(f"longer than {self.longest} characters")
        return text


@dataclass(frozen=True, slots=True)
class Code:
    """An identifier that people print with and without blanks (VAT id, IBAN, currency): no blanks, upper
    case.
    """

    longest: int = IDENTIFIER_LENGTH

    def read(self, raw: object) -> str | None:
        """Return the code in its stored form."""
        text = Text(self.longest).read(raw)
        return None if text is None else "".join(text.split()).upper()


@dataclass(frozen=True, slots=True)
class Number:
    """An exact decimal number that fits ``numeric(digits, scale)`` without rounding; no exponent, dot for
    decimals.
    """

    digits: int
    scale: int

    def read(self, raw: object) -> Decimal | None:
        """Return the exact number."""
        text = _printed(raw)
        if text is None:
            return None
        if not _NUMBER.match(text):
            raise UnreadableValueError("not a decimal number (digits with a dot for decimals, no exponent)")
        whole, _, decimals = text.lstrip("+-").partition(".")
        decimals = decimals.rstrip("0")
        if len(whole.lstrip("0")) > self.digits - self.scale:
            raise UnreadableValueError(
                f"more than {self.digits - self.scale} digits before the decimal point"
            )
        if len(decimals) > self.scale:
            raise UnreadableValueError(f"more than {self.scale} decimals")
        number = Decimal(f"{whole or '0'}.{decimals}" if decimals else whole or "0")
        return -number if text.startswith("-") and number else number


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number between two bounds, both included."""

    lowest: int = -(2**31)
    highest: int = 2**31 - 1

    def read(self, raw: object) -> int | None:
        """Return the whole number."""
        text = _printed(raw)
        if text is None:
            return None
        if not _WHOLE.match(text) or not self.lowest <= int(text) <= self.highest:
            raise UnreadableValueError(f"not a whole number from {self.lowest} to {self.highest}")
        return int(text)


@dataclass(frozen=True, slots=True)
class Day:
    """A calendar day ``YYYY-MM-DD``; a zone printed behind it is left out, the day counts as printed."""

    def read(self, raw: object) -> date | None:
        """Return the day."""
        text = _printed(raw)
        if text is None:
            return None
        found = _DAY.match(text)
        if not found:
            raise UnreadableValueError("not a date in the form YYYY-MM-DD")
        try:
            return date(int(found[1]), int(found[2]), int(found[3]))
        except ValueError as error:
            raise UnreadableValueError("no day of the calendar") from error


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time with its zone, returned in UTC."""

    def read(self, raw: object) -> datetime | None:
        """Return the point in time in UTC."""
        text = _printed(raw)
        if text is None:
            return None
        found = _MOMENT.match(text)
        if not found:
            raise UnreadableValueError("not a point in time in the form YYYY-MM-DDTHH:MM:SSZ")
        if found[1] is None:
            raise UnreadableValueError("a point in time without its zone")
        try:
            return datetime.fromisoformat(text).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise UnreadableValueError("no point in time of the calendar") from error


@dataclass(frozen=True, slots=True)
class Flag:
    """Yes or no: a JSON boolean, or the words ``true`` and ``false``."""

    def read(self, raw: object) -> bool | None:
        """Return the flag."""
        if isinstance(raw, bool):
            return raw
        text = _printed(raw)
        if text is None:
            return None
        try:
            return {"true": True, "false": False}[text]
        except KeyError as error:
            raise UnreadableValueError("neither true nor false") from error


def printed(raw: object) -> str | None:
    """Return a refused value as people may see it: at most 200 characters, what no database can hold
    replaced.
    """
    if raw is None:
        return None
    return _UNSTORABLE.sub("\ufffd", str(raw)[: PRINTED_LENGTH + 1])[:PRINTED_LENGTH]


def _printed(raw: object) -> str | None:
    """Return the text to read, None for nothing.

    :raises UnreadableValueError: It is no text, or it holds characters that no database column can hold.
    """
    if raw is None:
        return None
    if not isinstance(raw, str):
        raise UnreadableValueError(f"not a text or number but a {type(raw).__name__}")
    if _UNSTORABLE.search(raw):
        raise UnreadableValueError("holds a character that is no character (NUL or half of a pair)")
    return raw.strip() or None
