"""The pages' own, small set of connections to the ledger, as log-in ``backoffice_web``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from json import loads
from queue import Empty, LifoQueue
from subprocess import SubprocessError
from threading import BoundedSemaphore
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import set_json_loads

from backoffice.exceptions import BackofficeError, ConfigurationError

Connection = psycopg.Connection[DictRow]

_SESSION = (
    "-c timezone=UTC -c statement_timeout={statement} -c lock_timeout={statement} "
    "-c idle_in_transaction_session_timeout=15000 -c default_transaction_read_only=on "
    # many small questions at once: a second process for one of them is one less for the others
    "-c max_parallel_workers_per_gather=0 "
    # a word that every case holds and one that none does are looked for in different ways
    "-c plan_cache_mode=force_custom_plan"
)
# The server refuses or does not know us; nothing the person at the screen can mend.
_NOT_READY = (
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedColumn,
    psycopg.errors.UndefinedFunction,
    psycopg.errors.InvalidSchemaName,
)


class LedgerUnavailable(BackofficeError):
    """The ledger cannot be asked now: down, overloaded, not migrated, or no log-in is set."""


class LedgerPool:
    """Lend at most ``size`` connections, opened when first needed and checked before each use.

    Reads run in read-only transactions; only ``writing`` may change something. Created once per API-server
    process; nothing is connected before the first request.

    :param dsn_source: Returns the connection string; asked at each new connection, so a rotated password is
        picked up.
    :param size: Most connections at a time.
    :param statement_seconds: Longest a statement or a wait for a lock may take.
    :param wait_seconds: Longest a request waits for a free connection.
    """

    def __init__(
        self,
        dsn_source: Callable[[], str],
        *,
        size: int = 4,
        statement_seconds: float = 5.0,
        wait_seconds: float = 5.0,
        connect_seconds: int = 3,
    ) -> None:
        self._dsn_source = dsn_source
        self._idle: LifoQueue[Connection] = LifoQueue()
        self._slots = BoundedSemaphore(size)
        self._session = _SESSION.format(statement=int(statement_seconds * 1000))
        self._wait_seconds = wait_seconds
        self._connect_seconds = connect_seconds

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield a connection in one read-only transaction that sees one moment of the ledger.

        :raises LedgerUnavailable: The ledger cannot be asked now.
        """
        with self._lent() as connection, connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Yield a connection in one transaction that may write; an error rolls it back.

        :raises LedgerUnavailable: The ledger cannot be asked now.
        """
        with self._lent() as connection, connection.transaction():
            connection.execute("SET TRANSACTION READ WRITE")
            yield connection

    def close(self) -> None:
        """Close the idle connections."""
        while True:
            try:
                self._idle.get_nowait().close()
            except Empty:
                return

    @contextmanager
    def _lent(self) -> Iterator[Connection]:
        if not self._slots.acquire(timeout=self._wait_seconds):
            raise LedgerUnavailable("all connections to the ledger are busy")
        connection: Connection | None = None
        try:
            connection = self._take()
            yield connection
        except (psycopg.OperationalError, psycopg.InterfaceError, *_NOT_READY) as error:
            raise LedgerUnavailable(
                f"{type(error).__name__}: {error.diag.message_primary or error}"
            ) from error
        finally:
            if connection is not None:
                self._give_back(connection)
            self._slots.release()

    def _take(self) -> Connection:
        """Return an idle connection that still answers, else a new one."""
        while True:
            try:
                connection = self._idle.get_nowait()
            except Empty:
                return self._open()
            try:
                connection.execute("")
            except psycopg.Error:
                connection.close()
            else:
                return connection

    def _open(self) -> Connection:
        connection = psycopg.Connection[DictRow].connect(
            self._conninfo(), autocommit=True, row_factory=dict_row
        )
        set_json_loads(partial(loads, parse_float=Decimal), connection)  # no amount becomes a binary fraction
        return connection

    def _conninfo(self) -> str:
        """Return the connection string with our session settings; an error about it does not quote it."""
        try:
            dsn = self._dsn_source()
            return make_conninfo(
                dsn,
                options=f"{conninfo_to_dict(dsn).get('options') or ''} {self._session}".strip(),
                application_name="backoffice web",
                connect_timeout=self._connect_seconds,
            )
        except ConfigurationError as error:
            raise LedgerUnavailable(str(error)) from error
        except (OSError, SubprocessError, psycopg.ProgrammingError) as error:
            raise LedgerUnavailable(f"the DSN of the pages cannot be read ({type(error).__name__})") from None

    def _give_back(self, connection: Connection) -> None:
        if connection.closed or connection.pgconn.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            connection.close()
        else:
            self._idle.put(connection)


def fetch_all(connection: Connection, statement: str, values: Mapping[str, object]) -> list[dict[str, Any]]:
    """Return all rows of a statement."""
    return connection.execute(statement.encode(), values).fetchall()


def fetch_one(connection: Connection, statement: str, values: Mapping[str, object]) -> dict[str, Any] | None:
    """Return the first row of a statement, or None."""
    return connection.execute(statement.encode(), values).fetchone()
