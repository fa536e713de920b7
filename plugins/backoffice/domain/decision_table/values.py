"""The values that a decision reads: what can be used, and how each is written in a record.

A number is exact: a Decimal, a whole number or plain decimal text. A binary fraction is never one. A value
that cannot be used is told apart from null (known to be empty) and from missing (not given at all).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import Final

from backoffice.domain.canonical import number_text

# Beyond this a number is a mistake or an attack: no amount of money or goods has more than 30 digits before
# the point, and comparing 1E+999999 would cost a million digits.
HIGHEST: Final = Decimal(10) ** 30
LOWEST: Final = -HIGHEST
SMALLEST_EXPONENT: Final = -40

_PLAIN_NUMBER = re.compile(r"-?[0-9]{1,60}(\.[0-9]{1,60})?")
_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Missing(Enum):
    """The one value of an input that was not given."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in a currency."""

    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Unusable:
    """A value that could not be used when it was decided on: how it was written, and what was wrong with it.

    It stands where the original cannot be held in a record, so that the same decision can be made again.
    """

    spelled: str
    fault: str


def spelled(value: object) -> str:
    """Return how any value is named in a fault: the same text for the same value, on every machine."""
    if isinstance(value, Unusable):
        return value.spelled
    if isinstance(value, Money):
        known = isinstance(value.currency, str) and re.fullmatch("[A-Z]{3}", value.currency)
        return f"{spelled(value.amount)} {value.currency if known else spelled(value.currency)}"
    if isinstance(value, str):
        return ascii(value if len(value) <= 80 else value[:77] + "...")
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, int):
        return str(value) if value.bit_length() < 200 else "a number of more than 60 digits"
    if isinstance(value, Decimal) and value.is_finite() and abs(value.adjusted()) <= 60:
        return number_text(value)
    if isinstance(value, Decimal | float):
        return str(value) if len(str(value)) <= 80 else "a number of more than 80 digits"
    if isinstance(value, date):
        return value.isoformat()
    return "a list" if isinstance(value, list | tuple | set | frozenset) else f"a {type(value).__name__}"


def read_number(value: object) -> Decimal:
    """Return an exact number.

    :raises ValueError: It is none; the message goes on from ``<input> is <value>``.
    """
    if isinstance(value, bool | float):
        raise ValueError("; numbers are Decimal, integer or text, never binary fractions")
    if isinstance(value, int):
        number = Decimal(value) if value.bit_length() < 200 else Decimal("Infinity")
    elif isinstance(value, Decimal):
        number = value
    elif isinstance(value, str) and _PLAIN_NUMBER.fullmatch(value):
        number = Decimal(value)
    else:
        raise ValueError(", which is no number")
    if not number.is_finite():
        raise ValueError(", which is no number")
    if not number:
        return Decimal(0)
    if not (LOWEST <= number <= HIGHEST) or number.adjusted() < SMALLEST_EXPONENT:
        raise ValueError(", which has too many digits")
    return number


def read_day(value: object) -> date:
    """Return a day: a date, or text such as ``2026-11-22``. A moment is none: its day depends on the zone.

    :raises ValueError: It is none; the message goes on from ``<input> is <value>``.
    """
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str) and _ISO_DAY.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise ValueError(", which is no date such as 2026-11-22")


def exact(number: Fraction) -> Decimal:
    """Return a fraction whose denominator divides a power of ten as an exact Decimal: 1/8 is 0.125."""
    places = 0
    while 10**places % number.denominator:
        places += 1
    return Decimal(f"{number.numerator * 10**places // number.denominator}E-{places}")


def point_of(value: Decimal | date) -> Fraction:
    """Return a number or a day as a point on a line; a day is its ordinal."""
    return Fraction(value.toordinal()) if isinstance(value, date) else Fraction(value)


def amount_text(number: Decimal, places: int) -> str:
    """Return a number with at least ``places`` decimals, none of its own lost: 5 with 2 places is 5.00."""
    text = number_text(number)
    whole, _, decimals = text.partition(".")
    padded = decimals.ljust(places, "0")
    return f"{whole}.{padded}" if padded else whole
