"""The frame of every task that asks the ledger to do one step of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowSkipException
from psycopg.types.json import Jsonb

from backoffice import __version__
from backoffice.exceptions import AuthorityError, BusinessStop, ConfigurationError, ControlTotalsError, TransientError
from backoffice.hooks.ledger import LedgerHook
from backoffice.settings import LEDGER_CONN_ID

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.sdk import Context

Connection = psycopg.Connection[tuple[Any, ...]]

# SQLSTATEs of the ledger's functions, by what a retry does.
BUSINESS_ERRORS = {"BO401": AuthorityError, "BO403": AuthorityError, "BO409": BusinessStop, "BO422": ConfigurationError, "BO500": ControlTotalsError}
TRANSIENT_CLASSES = ("08", "40", "53", "57")  # connection, rollback (deadlock, serialisation), resources, operator intervention


def translated(error: psycopg.Error) -> Exception:
    """Return the product's error for a database error: refused for good, or worth a retry."""
    state = error.sqlstate or ""
    if state in BUSINESS_ERRORS:
        return BUSINESS_ERRORS[state](str(error).splitlines()[0])
    if not state or state[:2] in TRANSIENT_CLASSES or state == "55P03":
        return TransientError(f"the ledger database did not answer as it should: {error}")
    return error


def open_run(connection: Connection, context: Mapping[str, Any], process: str, sources: Sequence[Mapping[str, str]] = (), synthetic: bool = False) -> int:
    """Return the ledger's run of this Airflow run; the first caller registers it."""
    dag_run = context["dag_run"]
    parameters = dict(context.get("params") or {})
    row = connection.execute(
        "SELECT ops.open_run(%s, %s, %s, %s, %s, %s)",
        (
            process,
            dag_run.dag_id,
            dag_run.run_id,
            bool(parameters.get("dry_run", False)),
            Jsonb({**parameters, "sources": list(sources), "synthetic": synthetic}),
            __version__,
        ),
    ).fetchone()
    assert row is not None  # noqa: S101 - the function returns a value or raises
    return int(row[0])


class LedgerStepOperator(BaseOperator):
    """Do one step of a run in one ledger transaction.

    Reads and writes only the ledger database; what the step needs is found there from the Airflow run's identity, never
    in XCom, so that retry, clear and rerun of the single task are safe. In a dry run the step is skipped: the report
    task rehearses all steps and rolls them back.

    :param process: Name of the process, the key of its writer lock.
    :param sources: Datasets that the run expects, each ``{"source": ..., "dataset": ...}``; one that is not accepted
        makes what depends on it wait.
    :param synthetic: Whether the sources are the sandbox company, so that reports say so.
    :param ledger_conn_id: Connection of type ``postgres``. Default ``backoffice_ledger``.
    :return: Counts, for display only.
    :raises BusinessStop: The ledger refused. Not retried.
    :raises TransientError: The database was not reachable, or a lock was lost. Retried.
    """

    def __init__(
        self,
        *,
        process: str,
        sources: Sequence[Mapping[str, str]] = (),
        synthetic: bool = False,
        ledger_conn_id: str = LEDGER_CONN_ID,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.process = process
        self.sources = sources
        self.synthetic = synthetic
        self.ledger_conn_id = ledger_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Run the step; subclasses implement ``step``."""
        try:
            with LedgerHook(self.ledger_conn_id).connect() as connection:
                run_id = open_run(connection, context, self.process, self.sources, self.synthetic)  # type: ignore[arg-type]
                if self.skips_dry_run and bool((context.get("params") or {}).get("dry_run")):
                    raise AirflowSkipException("dry run: the report task rehearses this step and rolls it back")
                return self.step(connection, run_id, context)
        except psycopg.Error as error:
            raise translated(error) from error

    skips_dry_run = True

    def step(self, connection: Connection, run_id: int, context: Context) -> dict[str, Any]:
        """Do the work in the given transaction and return counts."""
        raise NotImplementedError


def counts(connection: Connection, statement: str, *values: object) -> dict[str, Any]:
    """Run a function that returns one row and give it back by column name."""
    cursor = connection.execute(statement, values)  # type: ignore[arg-type]
    row = cursor.fetchone()
    columns = [column.name for column in cursor.description or ()]
    return dict(zip(columns, row or (), strict=True))
