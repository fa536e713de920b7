"""The ledger's tables compared with the records, in a second session of the same state of the database."""

from __future__ import annotations

import threading
from typing import Any

import psycopg
from psycopg import sql

from backoffice import settings

Connection = psycopg.Connection[tuple[Any, ...]]


class FactsBeside:
    """Runs ``find_unmatched_facts`` while the records are read: one core hashes, the other compares.

    The second session takes up the first one's snapshot. Where the server gives no second session, the first
    one compares when it is asked.

    :param connection: In a transaction, read-only and repeatable read.
    """

    def __init__(self, connection: Connection) -> None:
        self._statement = settings.statement("governance/find_unmatched_facts")
        self._first = connection
        self._found: list[tuple[Any, ...]] = []
        self._error: Exception | None = None
        self._second = self._open(connection)
        # a verification that ends early does not wait for it
        self._thread = threading.Thread(target=self._run, daemon=True)
        if self._second is not None:
            self._thread.start()

    def rows(self) -> list[tuple[Any, ...]]:
        """Return one row per fact that does not agree.

        :raises psycopg.Error: The statement failed.
        """
        if self._second is None:
            return self._first.execute(self._statement, {}).fetchall()
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._found

    @staticmethod
    def _open(connection: Connection) -> Connection | None:
        """Return a session that sees what the first one sees, with the same settings."""
        row = connection.execute(
            "SELECT pg_export_snapshot(), current_setting('work_mem'), current_setting('timezone')"
        ).fetchone()
        snapshot, memory, timezone = row or (None, None, None)
        try:
            second = psycopg.connect(connection.info.dsn, password=connection.info.password or None)
        except psycopg.OperationalError:
            return None
        second.read_only = True
        second.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        second.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(snapshot))
        for name, value in (("work_mem", memory), ("timezone", timezone), ("jit", "off")):
            second.execute("SELECT set_config(%s, %s, true)", (name, value))
        return second

    def _run(self) -> None:
        assert self._second is not None  # noqa: S101 - started only then
        try:
            with self._second:
                self._found = self._second.execute(self._statement, {}).fetchall()
        except psycopg.Error as error:
            self._error = error
