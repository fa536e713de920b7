"""One load: everything that one source gave for one dataset in one run, staged in one transaction or not at
all.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.types.json import Jsonb

from backoffice import settings
from backoffice.hooks.ledger import LedgerHook
from backoffice.operators.ledger_run import open_ledger_run
from backoffice.operators.ledger_step import translated

if TYPE_CHECKING:
    from airflow.sdk import Context

Connection = psycopg.Connection[tuple[Any, ...]]
DATASETS = ("suppliers", "orders", "receipts", "invoices")


@dataclass(frozen=True, slots=True)
class LoadOf:
    """What is loaded: the source by name, the dataset, and what read it.

    :param parser: Name and version of the reader; another reading of the same bytes is another version.
    :param profile: Name, version and hash of the extract profile, if one was used.
    :param advances_watermark: Whether the next run may go on where this load ended. False for a period that
        is read again, for a selection, and for folders, which are always read whole.
    :param complete: Whether the load holds everything that the source has, as of a folder. A load that is
        neither complete nor goes on from the last one says nothing about the rest of its source.
    """

    source: str
    dataset: str
    parser: str
    profile: str | None = None
    advances_watermark: bool = True
    complete: bool = False

    def __post_init__(self) -> None:
        if self.dataset not in DATASETS:
            raise ValueError(f"dataset is {self.dataset!r}; it must be one of {', '.join(DATASETS)}")


@dataclass(frozen=True, slots=True)
class Load:
    """An open load, and the time from which its source is asked (None: from the beginning)."""

    load_id: int
    window_from: datetime | None


def open_load(connection: Connection, run_id: int, what: LoadOf) -> Load:
    """Open a load; an earlier one of the same run, source and dataset that was not accepted is superseded."""
    arguments = (
        *(run_id, what.source, what.dataset, what.parser, what.profile),
        *(what.advances_watermark, what.complete),
    )
    row = connection.execute(settings.sql("intake/open_load"), arguments).fetchone()
    if row is None:
        raise RuntimeError("intake.open_load returned nothing")
    return Load(int(row[0]), row[1])


def record_calls(connection: Connection, run_id: int, calls: list[dict[str, str | None]]) -> None:
    """Write calls of a source to the audit log of the run."""
    if calls:
        connection.execute(settings.sql("intake/record_calls"), (run_id, Jsonb(calls)))


def finish_load(
    connection: Connection, load: Load, until: datetime | None, count: int | None, amount: Decimal | None
) -> None:
    """Close a load after its rows were staged.

    :param until: The end of the source's window; the next run starts there.
    :param count: The source's own count of rows; None if it gives none.
    :param amount: The source's own total; None if it gives none.
    :raises psycopg.Error: With SQLSTATE BO500 if count or total differ from what was staged, with BO503 if
        the end of the window lies ahead of the database's clock.
    """
    connection.execute(settings.sql("intake/finish_load"), (load.load_id, until, count, amount))


@contextmanager
def ledger_transaction(ledger: LedgerHook) -> Iterator[Connection]:
    """Yield a connection in one transaction: committed at the end, gone without a trace after any error.

    :raises ControlTotalsError: The source's totals do not tie.
    :raises SourceUnavailableError: The source's clock is ahead. Retried.
    :raises TransientError: The database was not reachable, or a lock was lost. Retried.
    """
    try:
        with ledger.connect() as connection:
            yield connection
    except psycopg.Error as error:
        raise translated(error) from error


@contextmanager
def loading(ledger: LedgerHook, run_id: int, what: LoadOf) -> Iterator[tuple[Connection, Load]]:
    """Yield a connection in one transaction with an open load in it."""
    with ledger_transaction(ledger) as connection:
        yield connection, open_load(connection, run_id, what)


def ledger_run(ledger: LedgerHook, context: Context, process: str) -> int:
    """Return the ledger's id of this Dag run, committed before anything is read for it."""
    with ledger_transaction(ledger) as connection:
        return open_ledger_run(connection, context, process)
