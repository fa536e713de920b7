"""A dataset is a list of records in the order in which they became visible, and the windows cut from it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext
from typing import Any

Key = tuple[datetime, str]
"""Moment and identifier: the order of a list, unique in its dataset."""

_WINDOWS_KEPT = 16
_EXACT_DIGITS = 60


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that a list may show, with what lists are cut and totalled by."""

    updated_at: datetime
    identifier: str
    superseded_at: datetime | None
    entity: str | None
    supplier_id: str | None
    amount: Decimal | None
    source: Any

    @property
    def key(self) -> Key:
        """Place in the dataset."""
        return (self.updated_at, self.identifier)


@dataclass(frozen=True, slots=True)
class Query:
    """Which records of a dataset are wanted; ``since`` is included, ``until`` is not."""

    since: datetime | None
    until: datetime
    entity: str | None
    supplier_id: str | None

    def takes(self, record: Record) -> bool:
        """Whether the record is wanted and was the latest version of its kind at the window's end."""
        if record.superseded_at is not None and record.superseded_at < self.until:
            return False
        if self.entity is not None and record.entity is not None and record.entity != self.entity:
            return False
        return self.supplier_id is None or record.supplier_id == self.supplier_id


@dataclass(frozen=True, slots=True)
class Window:
    """The wanted records in order, with their number and the exact sum of their amounts."""

    records: list[Record]
    count: int
    amount: Decimal | None

    def after(self, key: Key | None, limit: int) -> list[Record]:
        """So many records that follow a place."""
        start = 0 if key is None else bisect_right(self.records, key, key=lambda record: record.key)
        return self.records[start : start + limit]


class Dataset:
    """The records of one list.

    :param item: How a record is written as JSON.
    :param totalled: Whether its records have amounts to sum up.
    """

    def __init__(
        self, records: Iterable[Record], item: Callable[[Any], dict[str, Any]], *, totalled: bool = True
    ) -> None:
        self._records = sorted(records, key=lambda record: record.key)
        self._windows: OrderedDict[Query, Window] = OrderedDict()
        self._item = item
        self._totalled = totalled

    def item(self, record: Record) -> dict[str, Any]:
        """The record as JSON knows it."""
        return self._item(record.source)

    def add(self, record: Record) -> None:
        """Add a record that happens now."""
        insort(self._records, record, key=lambda other: other.key)
        self._windows.clear()

    def window(self, query: Query) -> Window:
        """The records that the query wants. Pages of one list come from one window."""
        found = self._windows.get(query)
        if found is None:
            found = self._windows[query] = self._cut(query)
            if len(self._windows) > _WINDOWS_KEPT:
                self._windows.popitem(last=False)
        return found

    def _cut(self, query: Query) -> Window:
        start = 0 if query.since is None else self._place(query.since)
        wanted = [record for record in self._records[start : self._place(query.until)] if query.takes(record)]
        return Window(wanted, len(wanted), _sum(wanted) if self._totalled else None)

    def _place(self, moment: datetime) -> int:
        return bisect_left(self._records, moment, key=lambda record: record.updated_at)


def _sum(records: Iterable[Record]) -> Decimal:
    with localcontext() as exact:
        exact.prec = _EXACT_DIGITS
        return sum((record.amount for record in records if record.amount is not None), Decimal(0))
