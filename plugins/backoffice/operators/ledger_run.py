"""The run of the ledger that a task belongs to: found again from Airflow's own names, never from XCom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from backoffice import __version__, settings

if TYPE_CHECKING:
    import psycopg
    from airflow.sdk import Context


def open_ledger_run(
    connection: psycopg.Connection[tuple[Any, ...]],
    context: Context | Mapping[str, Any],
    process: str,
    parameters: Mapping[str, Any] | None = None,
) -> int:
    """Return the ledger's id of this Dag run; opens the run if no task did so before.

    Asked again by a retried or cleared task it is the same run: the Dag id and the run id identify it.

    :param connection: Connection of the application role; the caller commits.
    :param process: The business process, as ``invoice_reconciliation``.
    :param parameters: What the run was started with; the Dag run's parameters if not given. Only the first
        call counts.
    """
    dag_run = context["dag_run"]
    given: Mapping[str, Any] = context.get("params") or {} if parameters is None else parameters
    started_by = getattr(dag_run, "triggering_user_name", None)
    if isinstance(started_by, str) and (person := _person_of(connection, started_by)):
        given = {**given, "triggered_by": person}
    row = connection.execute(
        settings.sql("intake/open_run"),
        (
            process,
            dag_run.dag_id,
            dag_run.run_id,
            given.get("dry_run") is True,
            Jsonb(dict(given)),
            __version__,
        ),
    ).fetchone()
    if row is None:
        raise RuntimeError("ops.open_run returned nothing")
    return int(row[0])


def _person_of(connection: psycopg.Connection[tuple[Any, ...]], user_name: str) -> str | None:
    """Return the id of the person who started a run by hand, who may have to keep out of what it asks.

    The id is a pseudonym; a log-in has no place in the run's record.
    """
    row = connection.execute(settings.sql("intake/find_trigger_person"), (user_name,)).fetchone()
    return None if row is None else str(row[0])
