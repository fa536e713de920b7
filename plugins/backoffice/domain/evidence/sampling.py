"""Drawing a sample that anybody can draw again, and adding up what it was drawn from.

The item with the smallest SHA-256 of seed, newline and key is drawn first, the next smallest second, and so
on. No random generator of any language is involved: ``(echo SEED; printf %s KEY) | sha256sum`` shows by hand
where an item stands.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

HEADER = ("key", "date", "amount", "currency")


class Item(NamedTuple):
    """One item of a population; amount and currency are empty where it has none."""

    key: str
    date: str
    amount: str
    currency: str


def rank(seed: str, key: str) -> bytes:
    """Return what the item is ordered by."""
    return hashlib.sha256(f"{seed}\n{key}".encode()).digest()


def choose(keys: Iterable[str], size: int, seed: str) -> list[str]:
    """Return the sample in the order in which it is drawn; all items where there are fewer."""
    return sorted(keys, key=lambda key: (rank(seed, key), key))[:size]


def totals(items: Iterable[Item]) -> dict[str, dict[str, str]]:
    """Return count and sum by currency, as text; items without an amount stand under ``""``.

    :raises ValueError: An amount is no number.
    """
    counts: dict[str, int] = {}
    sums: dict[str, Decimal] = {}
    for item in items:
        amount = _amount(item.amount)
        currency = item.currency if amount is not None else ""
        counts[currency] = counts.get(currency, 0) + 1
        sums[currency] = sums.get(currency, Decimal(0)) + (amount or 0)
    return {
        currency: {"items": str(counts[currency]), "amount": amount_text(sums[currency]) if currency else ""}
        for currency in sorted(counts)
    }


def amount_text(amount: Decimal) -> str:
    """Return a sum with two decimals at least and none lost."""
    text = format(amount, "f")
    whole, _, decimals = text.partition(".")
    decimals = decimals.rstrip("0")
    return f"{whole}.{decimals.ljust(2, '0')}"


def write_items(items: Sequence[Item]) -> bytes:
    """Return a population as CSV, in the order of its keys."""
    return write_rows(HEADER, sorted(items))


def read_items(content: bytes) -> list[Item]:
    """Read a population.

    :raises ValueError: It is not exactly what ``write_items`` writes, or names an item twice.
    """
    rows = list(csv.reader(io.StringIO(content.decode("utf-8"), newline="")))
    if not rows or tuple(rows[0]) != HEADER or any(len(row) != len(HEADER) for row in rows):
        raise ValueError("not a population: the columns are others")
    items = [Item(*row) for row in rows[1:]]
    if len({item.key for item in items}) != len(items):
        raise ValueError("an item stands in it twice")
    if write_items(items) != content:
        raise ValueError("not written as populations are")
    return items


def write_rows(header: Sequence[str], rows: Iterable[Sequence[str | None]]) -> bytes:
    """Return rows as CSV."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8")


def _amount(text: str) -> Decimal | None:
    if not text:
        return None
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is no amount") from None
    if not amount.is_finite():
        raise ValueError(f"{text!r} is no amount")
    return amount
