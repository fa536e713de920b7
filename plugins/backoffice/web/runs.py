"""Runs and their reports as the pages and the API read them."""

from __future__ import annotations

from typing import Any

from backoffice.settings import sql
from backoffice.web.database import Connection, fetch_all, fetch_one
from backoffice.web.problems import Problem

_BEFORE_ALL = 2**63 - 1


def dags_with_runs(connection: Connection) -> list[str]:
    """Return the Dags that have runs in the ledger."""
    return [row["dag_id"] for row in fetch_all(connection, sql("review/list_dags_with_runs"), {})]


def list_runs(
    connection: Connection, dag_ids: list[str], *, before_run: int | None, most: int
) -> tuple[list[dict[str, Any]], int | None]:
    """Return runs of these Dags, the latest first, and before which run the next page begins."""
    rows = fetch_all(
        connection,
        sql("review/list_runs"),
        {"dag_ids": dag_ids, "before_run": before_run or _BEFORE_ALL, "most": most + 1},
    )
    shown = rows[:most]
    return shown, shown[-1]["run_id"] if len(rows) > most else None


def read_report(connection: Connection, dag_id: str, airflow_run_id: str) -> dict[str, Any]:
    """Return a run with its report; ``report`` is None while the run has not got that far.

    :raises Problem: 404, the ledger does not know the run.
    """
    row = fetch_one(
        connection, sql("review/read_run_report"), {"dag_id": dag_id, "airflow_run_id": airflow_run_id}
    )
    if row is None:
        raise Problem(
            404,
            f"The ledger does not know run {airflow_run_id!r} of {dag_id!r}; it may not have started yet.",
        )
    return row
