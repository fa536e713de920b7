"""The ledger's side of a gate.

Which loads wait for one, what each condition selects, and what is kept of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from backoffice import settings
from backoffice.domain.expectation_suite import Check, Suite
from backoffice.exceptions import QualityGateError

Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True)
class Load:
    """One reading of one source: the batch that a gate looks at.

    :param synthetic: Whether the run reads the sandbox company; every page then says so.
    """

    load_id: int
    source: str
    state: str
    synthetic: bool

    @property
    def waits_for_gate(self) -> bool:
        """Whether a gate may decide about it.

        Read in full and not accepted yet. A gated load may be gated again.
        """
        return self.state in ("read", "gated")


def find_loads(connection: Connection, dag_id: str, run_id: str, dataset: str) -> list[Load]:
    """Return the loads of a dataset that this run read, one per source, superseded readings left out."""
    rows = connection.execute(
        _statement("find_loads"), {"dag_id": dag_id, "airflow_run_id": run_id, "dataset": dataset}
    ).fetchall()
    return [Load(*row) for row in rows]


def begin_gate(connection: Connection, load: Load) -> None:
    """Forget what an earlier gate of this load found; until the new one has ended well it is not accepted."""
    connection.execute(_statement("begin_gate"), {"load_id": load.load_id})


def export_snapshot(connection: Connection) -> str:
    """Fix what this transaction sees from now on, and return the name under which others may see the same."""
    return str(_one(connection.execute("SELECT pg_export_snapshot()")))


def set_aside(connection: Connection, load: Load, suite: Suite) -> tuple[int, dict[str, int]]:
    """Record what each check found; return the number of rows looked at, and how many each check concerns.

    All conditions are counted in one pass over the load. Then each that selects anything is recorded by one
    statement, and the findings that stand afterwards are counted: that number is returned. Checks that stop
    the load record nothing. The caller's transaction keeps or drops all.

    :raises QualityGateError: A condition cannot be applied to the rows. The message names the error's class
        only, because Postgres quotes the value that it could not take.
    """
    by_row = [check for check in suite.checks if check.by_row]
    try:
        rows, selected = _count_selected(connection, suite, by_row)
        for check in by_row:
            if check.severity != "stop":
                selected[check.check_id] = _record(connection, load, suite, check, selected[check.check_id])
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        refused = f"{type(error).__name__} {error.sqlstate}"
    else:
        return rows, selected
    # raised out here, so that the database's own message does not come along as its context
    raise QualityGateError(
        f"the conditions of suite {suite.name} cannot be applied to load {load.load_id} ({refused}); "
        "correct them in include/sql/checks, then clear this task"
    )


def _count_selected(
    connection: Connection, suite: Suite, checks: Sequence[Check]
) -> tuple[int, dict[str, int]]:
    counts: list[sql.Composable] = [sql.SQL("count(*)")]
    counts += [
        sql.SQL("count(*) FILTER (WHERE ({condition}\n))").format(condition=_condition(check))
        for check in checks
    ]
    statement = _statement("count_selected", counts=sql.SQL(",\n  ").join(counts), view=_view(suite))
    rows, *selected = connection.execute(statement, _lists(suite)).fetchone() or (0,)
    return int(rows), {check.check_id: int(n) for check, n in zip(checks, selected, strict=True)}


def _record(connection: Connection, load: Load, suite: Suite, check: Check, selected: int) -> int:
    """Record the findings of one check, if it selects rows.

    Return how many findings of it stand on the load.
    """
    identity = {"load_id": load.load_id, "dataset": suite.name, "check_id": check.check_id}
    if selected:
        words = {"severity": check.severity, "reason": check.reason, "field": check.field}
        parts = {"view": _view(suite), "condition": _condition(check)}
        if check.finding == "defects":
            statement = _statement("record_defects", **parts)
        else:
            statement = _statement("record_findings", field=sql.Identifier(check.field or ""), **parts)
        connection.execute(statement, _lists(suite) | identity | words)
    return int(_one(connection.execute(_statement("count_findings"), identity)))


def mark_gated(connection: Connection, load: Load, gate: Mapping[str, Any]) -> dict[str, int]:
    """Let the load go on, with the gate's result kept beside it.

    Return the counts of rows set aside and warned of.
    """
    row = connection.execute(_statement("summarise_findings"), {"load_id": load.load_id}).fetchone() or (0, 0)
    counts = {"quarantined_rows": int(row[0]), "warned_rows": int(row[1])}
    connection.execute(_statement("mark_gated"), {"load_id": load.load_id, "gate": Jsonb({**gate, **counts})})
    return counts


def _condition(check: Check) -> sql.SQL:
    return sql.SQL(check.condition or "")


def _lists(suite: Suite) -> dict[str, Any]:
    return {name: list(values) for name, values in suite.parameters.items()}


def _view(suite: Suite) -> sql.Identifier:
    return sql.Identifier(f"gate_{suite.name}")


def _statement(name: str, **parts: sql.Composable) -> sql.Composed:
    return sql.SQL(settings.sql(f"gate/{name}")).format(**parts)


def _one(cursor: psycopg.Cursor[tuple[Any, ...]]) -> Any:
    row = cursor.fetchone()
    if row is None:
        raise RuntimeError("a count returned no row")
    return row[0]
