"""Test the controls over every item of a period, one statement each, and say what was found."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import psycopg

from backoffice.domain.period import Period
from backoffice.governance.controls.catalogue import Control

Connection = psycopg.Connection[tuple[Any, ...]]

NOT_PERFORMED = "not_performed"
UNEXPECTED = "not_described"
_SESSION = (
    "SET LOCAL search_path = pg_catalog, pg_temp",
    "SET LOCAL work_mem = '128MB'",
    "SET LOCAL jit = off",
    "SET LOCAL TIME ZONE 'UTC'",
)


@dataclass(frozen=True)
class Share:
    """A part of a population: how many of a unit, how many of them tested, their sum where it is money."""

    unit: str
    items: int
    tested: int
    amount: Decimal | None
    currency: str | None


@dataclass(frozen=True)
class Finding:
    """One thing that the test found; ``check`` is its name in the catalogue."""

    check: str
    ref: str
    what: str
    who: str | None = None
    at: datetime | None = None
    amount: Decimal | None = None
    currency: str | None = None


@dataclass(frozen=True)
class Result:
    """What the test of one control found. Exceptions are deviations, notices what somebody has to judge."""

    control: Control
    population: tuple[Share, ...]
    exceptions: tuple[Finding, ...]
    notices: tuple[Finding, ...]
    seconds: float

    @property
    def items(self) -> int:
        """How many items the population has."""
        return sum(share.items for share in self.population)

    @property
    def tested(self) -> int:
        """How many of them the test could look at."""
        return sum(share.tested for share in self.population)

    @property
    def outcome(self) -> str:
        """``effective``, ``exceptions``, ``not performed``, ``not tested`` or ``no population``."""
        if any(finding.check == NOT_PERFORMED for finding in self.exceptions):
            return "not performed"
        if self.exceptions:
            return "exceptions"
        if not self.items:
            return "no population"
        return "effective" if self.tested == self.items else "not tested"

    @property
    def good(self) -> bool:
        """Nothing to follow up. An empty population is no proof, and no deviation."""
        return self.outcome in ("effective", "no population")


def examine(connection: Connection, controls: Iterable[Control], period: Period) -> tuple[Result, ...]:
    """Test each control on one state of the ledger.

    Reads; changes nothing. A test that ends in an error is an exception of its control and spares the others.

    :param connection: As the auditor, best in a repeatable read, so that all tests see the same.
    :param period: The days that are examined.
    """
    return tuple(_examine_one(connection, control, period) for control in controls)


def _examine_one(connection: Connection, control: Control, period: Period) -> Result:
    started = time.monotonic()
    try:
        with connection.transaction():
            for setting in _SESSION:
                connection.execute(setting)
            rows = connection.execute(
                control.statement,
                {"first_day": period.first_day, "last_day": period.last_day},
            ).fetchall()
    except psycopg.Error as error:
        why = f"{type(error).__name__}: {(str(error).splitlines() or ['no reason given'])[0]}"
        failed = Finding(NOT_PERFORMED, control.sql_file, f"the test ended in an error: {why}")
        return Result(control, (), (failed,), (), time.monotonic() - started)
    return _read(control, rows, time.monotonic() - started)


def _read(control: Control, rows: list[tuple[Any, ...]], seconds: float) -> Result:
    shares: list[Share] = []
    exceptions: list[Finding] = []
    notices: list[Finding] = []
    described = control.exceptions.keys() | control.notices.keys()
    for part, check, ref, what, who, at, items, tested, amount, currency in rows:
        if part == "population":
            shares.append(Share(ref, items, tested, amount if currency is not None else None, currency))
        elif check not in described:
            exceptions.append(Finding(UNEXPECTED, ref or "?", f"{check}: {what}", who, at, amount, currency))
        else:
            finding = Finding(check, ref or "?", what or "", who, at, amount, currency)
            (notices if part == "notice" else exceptions).append(finding)
    return Result(control, tuple(shares), tuple(exceptions), tuple(notices), seconds)
