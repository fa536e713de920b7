"""Which days a period means: by the fiscal calendar of the ledger, else by the calendar."""

from __future__ import annotations

from typing import Any

import psycopg

from backoffice import settings
from backoffice.domain.period import FORMS, Period, read_period

Connection = psycopg.Connection[tuple[Any, ...]]


class UnknownPeriodError(ValueError):
    """The text names no period, or different ones; the message says which forms there are."""


def find_period(connection: Connection, text: str) -> Period:
    """Return the days that ``text`` means. The name of a fiscal period goes before the same text as a month.

    :param connection: As any role that may read the ledger.
    :raises UnknownPeriodError: There is none, or company codes have different days under this name.
    """
    rows = (
        []
        if "\x00" in text
        else connection.execute(settings.sql("governance/find_fiscal_period"), {"name": text}).fetchall()
    )
    if len(rows) > 1:
        listed = "; ".join(f"{first}..{last} in {entities}" for first, last, entities in rows)
        raise UnknownPeriodError(f"fiscal period {text} has different days: {listed}. Name the days")
    try:
        if rows:
            return Period(text, rows[0][0], rows[0][1])
        found = read_period(text)
    except ValueError as error:
        raise UnknownPeriodError(str(error)) from None
    if found is None:
        raise UnknownPeriodError(f"{text!r} is no period. Possible are {FORMS}")
    return found
