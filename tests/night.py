"""A reconciliation night in this process: the real operators of the real Dag against real servers, without a scheduler.

Tasks run in the Dag's order with its trigger rules for failed sources; connections come from the environment as in
production. What this cannot prove: scheduling, deferral and the task runner; the end-to-end test does.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from unittest import mock

from airflow.sdk.exceptions import AirflowSkipException
from psycopg.conninfo import conninfo_to_dict

from backoffice.exceptions import BackofficeError
from backoffice.processes.invoice_reconciliation import Reconciliation, build_tasks

LEFT_OUT = {"wait_for_reviews"}


def connection_json(dsn: str) -> str:
    """Return an Airflow connection for a libpq DSN."""
    parts = conninfo_to_dict(dsn)
    return json.dumps({
        "conn_type": "postgres", "host": parts["host"], "port": int(parts["port"]), "schema": parts["dbname"],
        "login": parts["user"], "password": parts["password"],
    })  # fmt: skip


def http_json(base_url: str, user: str, password: str) -> str:
    """Return an Airflow HTTP connection."""
    host, port = base_url.removeprefix("http://").split(":")
    return json.dumps(
        {
            "conn_type": "http",
            "schema": "http",
            "host": host,
            "port": int(port),
            "login": user,
            "password": password,
        }
    )


@contextmanager
def environment(values: Mapping[str, str]):
    """Set environment variables for a while."""
    with mock.patch.dict("os.environ", values):
        yield


_WRITING = threading.Lock()


def tasks(config: Reconciliation) -> list[Any]:
    """Return the operators of the Dag in an order in which they may run."""
    from airflow.sdk import DAG

    # which Dag is being written is one of the whole process: threads take turns
    with _WRITING, DAG("invoice_reconciliation", schedule=None) as dag:
        build_tasks(config)
    done: list[Any] = []
    waiting = dict(dag.task_dict)
    while waiting:
        ready = sorted(name for name, task in waiting.items() if not task.upstream_task_ids & waiting.keys())
        done += [waiting.pop(name) for name in ready]
    return done


def run_night(
    run_id: str, params: Mapping[str, Any] | None = None, config: Reconciliation | None = None
) -> dict[str, Any]:
    """Run every task once; return the results by task id, an exception for a task that failed or was skipped."""
    config = config or Reconciliation(synthetic=True)
    results: dict[str, Any] = {}
    for task in tasks(config):
        ending = _kept_from_running(task, [results.get(name) for name in task.upstream_task_ids])
        if ending is not None:
            results[task.task_id] = ending
        elif task.task_id not in LEFT_OUT:
            results[task.task_id] = run_task(task, run_id, params)
    return results


def _kept_from_running(task: Any, upstream: list[Any]) -> BaseException | None:
    """Return why the task's trigger rule does not let it run: an upstream failure before an upstream skip."""
    failed = [result for result in upstream if isinstance(result, BackofficeError)]
    skipped = [result for result in upstream if isinstance(result, AirflowSkipException)]
    rule = task.trigger_rule.value
    ended = failed if rule == "none_failed" else [*failed, *skipped]
    if rule == "all_done_min_one_success" and len(ended) < len(upstream):
        return None
    return ended[0] if ended else None


def run_task(
    task: Any,
    run_id: str,
    params: Mapping[str, Any] | None = None,
    dag_id: str = "invoice_reconciliation",
) -> Any:
    """Execute one operator; return its result, or the error by which it ended."""
    context = {
        "dag_run": SimpleNamespace(dag_id=dag_id, run_id=run_id),
        "ti": SimpleNamespace(dag_id=dag_id, run_id=run_id, task_id=task.task_id),
        "params": dict(params or {}),
    }
    try:
        return task.execute(context)
    except (BackofficeError, AirflowSkipException) as error:
        return error
