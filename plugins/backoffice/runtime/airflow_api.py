"""What the runtime asks of the local Airflow, by its public REST API and with a person's own log-in."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from backoffice.runtime.errors import RuntimeFault
from backoffice.runtime.http_client import Answer, ask

# Log lines keep these fields; the rest is for machines.
_SHOWN = ("timestamp", "level", "event")


class AirflowApi:
    """A session at the local API server.

    :param url: Its address, e.g. ``http://127.0.0.1:8080``.
    :param user: Airflow user.
    :param password: His password.
    :raises RuntimeFault: The log-in is refused.
    """

    def __init__(self, url: str, user: str, password: str) -> None:
        self._url = url
        answer = ask(
            f"{url}/auth/token", method="POST", body={"username": user, "password": password}, timeout=30
        )
        if not answer.good:
            raise RuntimeFault(f"Airflow refuses user {user!r}: {answer.status} {answer.body}")
        self.token = str(answer.body["access_token"])

    def call(
        self, path: str, *, method: str = "GET", body: Any = None, accept: str = "application/json"
    ) -> Answer:
        """Call ``/api/v2`` + path and return the answer, whatever its status."""
        return ask(
            f"{self._url}/api/v2{path}", method=method, body=body, token=self.token, timeout=30, accept=accept
        )

    def get(self, path: str) -> dict[str, Any]:
        """Return the object at the path.

        :raises RuntimeFault: The server says anything but yes.
        """
        return self._object(self.call(path), path)

    def send(self, method: str, path: str, body: Any) -> dict[str, Any]:
        """Send an object and return the answer's.

        :raises RuntimeFault: The server says anything but yes.
        """
        return self._object(self.call(path, method=method, body=body), path)

    def _object(self, answer: Answer, path: str) -> dict[str, Any]:
        if not answer.good or not isinstance(answer.body, dict):
            raise RuntimeFault(f"Airflow answers {answer.status} to {path}: {str(answer.body)[:500]}")
        return answer.body

    # -- Dags --

    def import_errors(self) -> list[dict[str, Any]]:
        """Return the Dag files that could not be read, with the reason."""
        return list(self.get("/importErrors?limit=100")["import_errors"])

    def dag(self, dag_id: str) -> dict[str, Any] | None:
        """Return what Airflow knows of the Dag, or None while it knows nothing."""
        answer = self.call(f"/dags/{quote(dag_id)}")
        return None if answer.status == 404 else self._object(answer, dag_id)

    def unpause(self, dag_id: str) -> None:
        """Let the Dag run."""
        self.send("PATCH", f"/dags/{quote(dag_id)}?update_mask=is_paused", {"is_paused": False})

    def unfinished_runs(self, dag_id: str) -> list[str]:
        """Return the ids of the runs that are queued or running, the oldest first."""
        path = f"/dags/{quote(dag_id)}/dagRuns?state=queued&state=running&order_by=run_after&limit=100"
        return [str(run["dag_run_id"]) for run in self.get(path)["dag_runs"]]

    def trigger(self, dag_id: str, run_id: str, conf: dict[str, Any] | None = None) -> None:
        """Start a run now."""
        body = {"dag_run_id": run_id, "logical_date": None, "conf": conf or {}}
        self.send("POST", f"/dags/{quote(dag_id)}/dagRuns", body)

    def run_state(self, dag_id: str, run_id: str) -> str:
        """Return the state of a run."""
        return str(self.get(f"/dags/{quote(dag_id)}/dagRuns/{quote(run_id, safe='')}")["state"])

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Return the tasks of a run with their states."""
        path = f"/dags/{quote(dag_id)}/dagRuns/{quote(run_id, safe='')}/taskInstances?limit=100"
        return list(self.get(path)["task_instances"])

    def log_tail(self, task: dict[str, Any], lines: int = 25) -> str:
        """Return the end of the log of a task's last try."""
        path = (
            f"/dags/{quote(task['dag_id'])}/dagRuns/{quote(task['dag_run_id'], safe='')}"
            f"/taskInstances/{quote(task['task_id'])}/logs/{max(1, int(task['try_number']))}"
            f"?full_content=true&map_index={task.get('map_index', -1)}"
        )
        answer = self.call(path)
        if not answer.good or not isinstance(answer.body, dict):
            return f"  (no log: {answer.status})"
        content = answer.body.get("content")
        entries = content if isinstance(content, list) else [content]
        shown = [line for entry in entries for line in _log_lines(entry)]
        return "\n".join(f"  | {line}" for line in shown[-lines:])


def _log_lines(entry: Any) -> list[str]:
    """Return a structured log entry as lines: what happened, then the innermost errors with their places."""
    if not isinstance(entry, dict):
        return str(entry).splitlines()
    lines = [" ".join(str(entry[name]) for name in _SHOWN if entry.get(name))]
    for error in entry.get("error_detail") or []:
        lines.append(f"{error.get('exc_type')}: {error.get('exc_value')}")
        lines += [
            f"    {frame.get('filename')}:{frame.get('lineno')} in {frame.get('name')}"
            for frame in (error.get("frames") or [])[-4:]
        ]
    return lines
