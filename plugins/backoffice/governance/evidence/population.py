"""Populations of a period, what each ties to, and the sample drawn from one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from sys import intern
from typing import Any

from psycopg.rows import dict_row

from backoffice import settings
from backoffice.domain.canonical import number_text, time_text
from backoffice.domain.evidence.sampling import Item, amount_text, totals
from backoffice.domain.period import Period
from backoffice.governance.duties import authority_as_of
from backoffice.governance.evidence.log import Connection

TIED_TO = {
    "postings": "the journal, by its credits",
    "payments": "the journal, by what it owes for these documents",
    "decisions": "the audit log",
    "policy-changes": "the audit log",
    "access": "the table of authority, and what ended by record",
}
# the items of each, and the same from the other side
_STATEMENTS = {
    "postings": ("evidence/list_postings", "evidence/total_postings"),
    "payments": ("evidence/list_payments", "evidence/total_payments"),
    "decisions": ("evidence/list_decisions", "evidence/total_decisions"),
    "policy-changes": ("evidence/list_policy_changes", "evidence/total_policy_changes"),
}
_FETCH = 5_000
_KEY = ("person_id", "role", "process", "entity", "effective_from")


@dataclass(frozen=True)
class Population:
    """All items of a period, and the same counted from another side.

    :param items: Each with key, date, amount and currency.
    :param refs: Under which name the ledger knows the item, by key.
    :param control: Count and amount by currency, from what ``TIED_TO`` names.
    """

    name: str
    items: tuple[Item, ...]
    refs: Mapping[str, str]
    control: Mapping[str, Mapping[str, str]]

    @property
    def totals(self) -> dict[str, dict[str, str]]:
        """Return its own count and amount by currency."""
        return totals(self.items)

    @property
    def ties(self) -> bool:
        """Return whether both sides say the same."""
        return self.totals == self.control


def read_population(connection: Connection, name: str, period: Period) -> Population:
    """Return the population of a period and its control totals.

    :param connection: As auditor, read-only and repeatable read: both sides are of one moment.
    """
    if name == "access":
        return _access(connection, period)
    listed, totalled = _STATEMENTS[name]
    items, refs = _listed(connection, listed, period)
    control = {
        row["currency"]: _total(row["items"], row["amount"] if row["currency"] else None)
        for row in _rows(connection, totalled, period)
    }
    return Population(name, items, refs, control)


def as_text(value: object) -> str | None:
    """Return a value of the ledger as text; unknown stays unknown."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal | int):
        return number_text(value)
    if isinstance(value, datetime):
        return time_text(value)
    return value.isoformat() if isinstance(value, date) else str(value)


def _access(connection: Connection, period: Period) -> Population:
    """Return every authority that counted in the period, by the record of changes; what still stands by it is
    compared with the table.
    """
    standing = {
        tuple(row[name] for name in _KEY): row
        for row in _rows(connection, "evidence/list_standing_authority")
    }
    recorded = authority_as_of(connection, period)
    items, control, seen = [], [], set()
    for row in recorded:
        key = "/".join(str(as_text(row[name])) for name in (*_KEY, "known_from"))
        day = row["known_from"].date() if row["known_from"] else row["effective_from"]
        items.append(_item(key, day.isoformat(), row["amount_limit"], row["currency"]))
        place = tuple(row[name] for name in _KEY)
        now = standing.get(place) if row["known_until"] is None else row
        if now is not None:
            seen.add(place)
            control.append(_item(key, "", now["amount_limit"], now["currency"]))
    control += [
        _item("/".join(map(str, place)), "", row["amount_limit"], row["currency"])
        for place, row in standing.items()
        if place not in seen and _counts(row, period)
    ]
    return Population("access", tuple(items), {item.key: item.key for item in items}, totals(control))


def _counts(row: Mapping[str, Any], period: Period) -> bool:
    """Return whether an authority that is in no record would have counted in the period."""
    return bool(row["effective_from"] <= period.last_day)


def _listed(connection: Connection, name: str, period: Period) -> tuple[tuple[Item, ...], dict[str, str]]:
    """Return the items and their names, row by row as the server gives them.

    A population may have as many items as a year has entries: what a row carries besides is not held, and a
    day or a currency that many items share is held once.
    """
    items, refs = [], {}
    with connection.cursor(name="population", row_factory=dict_row) as cursor:
        cursor.itersize = _FETCH
        cursor.execute(settings.statement(name), _days(period))
        for row in cursor:
            item = _item(row["key"], row["day"], row["amount"], row["currency"])
            items.append(item._replace(date=intern(item.date), currency=intern(item.currency)))
            refs[item.key] = row["ref"]
    return tuple(items), refs


def _days(period: Period) -> dict[str, date]:
    return {"first_day": period.first_day, "last_day": period.last_day}


def _item(key: str, day: str, amount: Decimal | None, currency: str | None) -> Item:
    return Item(key, day, "" if amount is None else amount_text(amount), currency or "")


def _total(items: int, amount: Decimal | None) -> dict[str, str]:
    return {"items": str(items), "amount": "" if amount is None else amount_text(amount)}


def _rows(connection: Connection, name: str, period: Period | None = None) -> Sequence[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(settings.statement(name), _days(period) if period else None)
        return cursor.fetchall()
