"""Connections to the ledger database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
from airflow.sdk import BaseHook
from psycopg.conninfo import make_conninfo

from backoffice.settings import LEDGER_CONN_ID

if TYPE_CHECKING:
    from airflow.sdk import Connection

ALLOWED_EXTRAS = ("sslmode", "sslrootcert", "sslcert", "sslkey", "connect_timeout")


class LedgerHook(BaseHook):
    """Open connections to the ledger database as the log-in of an Airflow connection.

    Reads host, port, schema (the database), login and password of the connection, and of its extras only
    ``sslmode``, ``sslrootcert``, ``sslcert``, ``sslkey`` and ``connect_timeout``. Sessions run in UTC.

    :param ledger_conn_id: Connection of type ``postgres``. Default ``backoffice_ledger``.
    """

    conn_name_attr = "ledger_conn_id"
    default_conn_name = LEDGER_CONN_ID
    conn_type = "postgres"
    hook_name = "Backoffice ledger"

    def __init__(self, ledger_conn_id: str = LEDGER_CONN_ID) -> None:
        super().__init__()
        self.ledger_conn_id = ledger_conn_id

    def dsn(self, **session_options: str) -> str:
        """Return the libpq connection string; ``session_options`` become ``-c name=value`` of the session."""
        connection: Connection = self.get_connection(self.ledger_conn_id)
        extras = {key: str(value) for key, value in connection.extra_dejson.items() if key in ALLOWED_EXTRAS}
        options = " ".join(
            f"-c {name}={value}" for name, value in {"timezone": "UTC", **session_options}.items()
        )
        return make_conninfo(
            host=connection.host,
            port=connection.port,
            dbname=connection.schema,
            user=connection.login,
            password=connection.password,
            application_name="backoffice",
            options=options,
            **extras,
        )

    @contextmanager
    def connect(self, **session_options: str) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
        """Yield a connection in one transaction: committed at the end, rolled back on any error."""
        with psycopg.connect(self.dsn(**session_options)) as connection:
            yield connection

    def test_connection(self) -> tuple[bool, str]:
        """Say whether the database answers and has the ledger's tables."""
        try:
            with self.connect() as connection:
                connection.execute("SELECT 1 FROM ops.entity LIMIT 1")
        except psycopg.Error as error:
            return False, f"{type(error).__name__}: {error}"
        return True, "The ledger database answers."


def copy_rows(
    connection: psycopg.Connection[tuple[Any, ...]],
    table: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
) -> int:
    """Stream ``rows`` into ``table`` by COPY, in constant memory, and return how many there were."""
    count = 0
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
            count += 1
    return count
