"""The frame of every task that asks the ledger to do one step of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowSkipException

from backoffice.exceptions import (
    AuthorityError,
    BusinessStop,
    ConfigurationError,
    ControlTotalsError,
    SourceUnavailableError,
    TransientError,
)
from backoffice.hooks.ledger import LedgerHook
from backoffice.operators.ledger_run import open_ledger_run
from backoffice.settings import LEDGER_CONN_ID

if TYPE_CHECKING:
    from airflow.sdk import Context

Connection = psycopg.Connection[tuple[Any, ...]]

# SQLSTATEs of the ledger's functions, by what a retry does.
REFUSALS = {
    "BO401": AuthorityError,
    "BO403": AuthorityError,
    "BO409": BusinessStop,
    "BO422": ConfigurationError,
    "BO500": ControlTotalsError,
    "BO503": SourceUnavailableError,
}
TRANSIENT_CLASSES = (
    "08",
    "40",
    "53",
    "57",
)  # connection, rollback (deadlock, serialisation), resources, operator intervention


def translated(error: psycopg.Error) -> Exception:
    """Return the product's error for a database error: refused for good, or worth a retry."""
    state = error.sqlstate or ""
    if state in REFUSALS:
        return REFUSALS[state](str(error).splitlines()[0])
    if not state or state[:2] in TRANSIENT_CLASSES or state == "55P03":
        return TransientError(f"the ledger database did not answer as it should: {error}")
    return error


class LedgerStepOperator(BaseOperator):
    """Do one step of a run in one ledger transaction.

    Reads and writes only the ledger database; what the step needs is found there from the Airflow run's
    identity, never
    in XCom, so that retry, clear and rerun of the single task are safe. In a dry run the step is skipped: the
    report
    task rehearses all steps and rolls them back.

    :param process: Name of the process, the key of its writer lock.
    :param ledger_conn_id: Connection of type ``postgres``. Default ``backoffice_ledger``.
    :return: Counts, for display only.
    :raises BusinessStop: The ledger refused. Not retried.
    :raises TransientError: The database was not reachable, or a lock was lost. Retried.
    """

    def __init__(
        self,
        *,
        process: str,
        ledger_conn_id: str = LEDGER_CONN_ID,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.process = process
        self.ledger_conn_id = ledger_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Run the step; subclasses implement ``step``."""
        try:
            with LedgerHook(self.ledger_conn_id).connect() as connection:
                run_id = self.find_run(connection, context)
                if self.skips_dry_run and bool((context.get("params") or {}).get("dry_run")):
                    raise AirflowSkipException(
                        "dry run: the report task rehearses this step and rolls it back"
                    )
                return self.step(connection, run_id, context)
        except psycopg.Error as error:
            raise translated(error) from error

    skips_dry_run = True

    def find_run(self, connection: Connection, context: Context) -> int:
        """Return the ledger's run of this Airflow run."""
        return open_ledger_run(connection, context, self.process)

    def step(self, connection: Connection, run_id: int, context: Context) -> dict[str, Any]:
        """Do the work in the given transaction and return counts."""
        raise NotImplementedError


def counts(connection: Connection, statement: str, *values: object) -> dict[str, Any]:
    """Run a function that returns one row and give it back by column name."""
    cursor = connection.execute(statement, values)
    row = cursor.fetchone()
    columns = [column.name for column in cursor.description or ()]
    return dict(zip(columns, row or (), strict=True))
