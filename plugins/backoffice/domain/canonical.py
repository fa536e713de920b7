"""Canonical bytes: one text for one meaning, the same in Python and in the ledger database.

A hash is taken of these bytes and of nothing else (content of a record, evidence of a decision, leaf of the
audit log). The form is JSON: keys sorted by code point at every level, no white space, UTF-8 with nothing
escaped that JSON does not force, and no JSON numbers at all. A number is the string that
``trim_scale(n)::text`` prints in Postgres, a date is ``YYYY-MM-DD``, a point in time is UTC with six
decimals and ``Z``.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import orjson


def canonical_bytes(value: object) -> bytes:
    """Return the canonical bytes of ``value``.

    ``{"b": Decimal("1.50"), "a": [True, None]}`` becomes ``{"a":[true,null],"b":"1.5"}``.

    :param value: Strings, booleans, None, Decimal, int, date, aware datetime, and lists and dictionaries of
        these.
    :raises ValueError: A float, a time without zone, a number that is not finite, a key that is no string, a
        character that neither JSON nor the database can hold (NUL, half of a surrogate pair), any other type.
    """
    try:
        return orjson.dumps(_plain(value), option=orjson.OPT_SORT_KEYS)
    except TypeError as error:
        raise ValueError(f"no canonical form: {error}") from error


def content_hash(value: object) -> bytes:
    """Return the SHA-256 (32 bytes) of the canonical bytes of ``value``."""
    return hashlib.sha256(canonical_bytes(value)).digest()


def number_text(number: Decimal | int) -> str:
    """Return ``number`` without exponent and without trailing zeros: ``1E+2`` is ``100``, ``-0.0`` is
    ``0``.
    """
    if isinstance(number, int):
        return str(number)
    if not number.is_finite():
        raise ValueError(f"{number} is no number of money or goods")
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def time_text(moment: datetime) -> str:
    """Return an aware point in time as UTC with microseconds: ``2026-11-22T05:00:00.000000Z``."""
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise ValueError(f"{moment.isoformat()} has no time zone")
    try:
        utc = moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{moment.isoformat()} is outside the years 1 to 9999 in UTC") from error
    # isoformat, not strftime: strftime prints the year 999 as three digits on some platforms
    return utc.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _plain(value: object) -> Any:
    """Replace every value by what orjson prints as wanted; refuse what has no canonical form."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Decimal | int):
        return number_text(value)
    if isinstance(value, date):
        return time_text(value) if isinstance(value, datetime) else value.isoformat()
    if isinstance(value, dict):
        return {_key(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    raise ValueError(f"a {type(value).__name__} has no canonical form")


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise ValueError(f"the key {key!r} is no string")
    return _text(key)


def _text(text: str) -> str:
    if "\x00" in text:
        raise ValueError("a text with a NUL character has no canonical form")
    return str(text)
