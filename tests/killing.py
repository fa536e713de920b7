"""Runs one real operator in a process of its own and kills it at a chosen step.

``python -m tests.killing`` is a server on its standard streams: it imports Airflow and Great Expectations once and forks
for each request. The fork gets its own environment, counts what the operator does (each SQL statement, COPY, commit,
rollback, HTTP call and written file, before and after) and at the given step sends itself SIGKILL: no handler runs,
no transaction is closed, as when a worker is lost. Or the server kills it a moment after it began a step, so that a
statement or a commit is under way in the database when its client is gone.
"""

from __future__ import annotations

import functools
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LONGEST_RUN = 90.0
A_MOMENT = 0.002


@dataclass(frozen=True)
class Ending:
    """How a child ended.

    :param steps: What it did, in order; the last one is where it was killed.
    :param killed: Whether SIGKILL ended it.
    :param error: What its operator returned or raised instead of a result.
    """

    steps: tuple[str, ...]
    killed: bool
    error: str | None


class Killer:
    """The caller's side of the server."""

    def __init__(self, log: Path) -> None:
        self._log = log.open("w")
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "plugins"), str(ROOT)])}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.killing"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, env=environment, cwd=ROOT, text=True,
        )  # fmt: skip

    def run(
        self,
        environment: Mapping[str, str],
        task_id: str,
        run_id: str,
        kill_at: int | None = None,
        *,
        under_way: bool = False,
    ) -> Ending:
        """Run one operator.

        :param kill_at: The step at which it dies, counted from 0; None lets it end.
        :param under_way: Let it go on from that step for a moment, so that what follows has begun.
        """
        request = {
            "environment": dict(environment), "task_id": task_id, "run_id": run_id,
            "kill_at": None if under_way else kill_at, "kill_after": kill_at if under_way else None,
        }  # fmt: skip
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, f"the server of killed children is gone; see {self._log.name}"
        ended = json.loads(answer)
        return Ending(tuple(ended["steps"]), ended["signal"] == signal.SIGKILL, ended["error"])

    def close(self) -> None:
        """End the server."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()


# -- the server --


def serve() -> None:
    """Answer requests until the caller closes its end."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what Airflow prints must not be taken for an answer
    _import_once()
    for line in sys.stdin:
        assert threading.active_count() == 1, "a fork takes along only the thread that forks"
        answers.write(json.dumps(_fork(json.loads(line))) + "\n")
        answers.flush()


def _import_once() -> None:
    import great_expectations.expectations.core
    from tests.night import tasks

    from backoffice.processes.invoice_reconciliation import Reconciliation

    assert great_expectations.expectations.core
    assert tasks(Reconciliation(synthetic=True))


def _fork(request: dict[str, Any]) -> dict[str, Any]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _child(request, writing)
    os.close(writing)
    text = _read_all(reading, child, request["kill_after"])
    _, status = os.waitpid(child, 0)
    steps, error = [], None
    for line in text.splitlines():
        if line.startswith("error "):
            error = line.removeprefix("error ")
        else:
            steps.append(line)
    return {"steps": steps, "error": error, "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0}


def _read_all(reading: int, child: int, kill_after: int | None) -> str:
    text, deadline = b"", time.monotonic() + LONGEST_RUN
    while True:
        ready, _, _ = select.select([reading], [], [], max(deadline - time.monotonic(), 0))
        if not ready:
            os.kill(child, signal.SIGTERM)
            text += b"error the child hung and was ended\n"
            break
        part = os.read(reading, 65536)
        if not part:
            break
        text += part
        if kill_after is not None and text.count(b"\n") > kill_after:
            time.sleep(A_MOMENT)
            os.kill(child, signal.SIGKILL)
            kill_after = None
    os.close(reading)
    return text.decode()


def _child(request: dict[str, Any], writing: int) -> None:
    code = 1
    try:
        os.environ.update(request["environment"])
        _count_steps(_Steps(writing, request["kill_at"]))
        result = run_operator(request["task_id"], request["run_id"])
        if isinstance(result, BaseException):
            os.write(writing, f"error {type(result).__name__}: {result}\n".encode())
        code = 0
    except BaseException as error:
        os.write(writing, f"error {type(error).__name__}: {error}".replace("\n", " ").encode() + b"\n")
    finally:
        os._exit(code)


def run_operator(task_id: str, run_id: str) -> Any:
    """Execute one operator of the reconciliation Dag, or the one of the housekeeping Dag."""
    from tests.night import run_task, tasks

    from backoffice.processes.invoice_reconciliation import Reconciliation

    if task_id == "keep_house":
        return run_task(housekeeping(), run_id)
    return run_task(
        next(task for task in tasks(Reconciliation(synthetic=True)) if task.task_id == task_id), run_id
    )


def housekeeping() -> Any:
    """Return the operator of the housekeeping Dag."""
    from airflow.sdk import DAG

    from backoffice.operators.housekeeping import HousekeepingOperator

    with DAG("backoffice_housekeeping", schedule=None):
        return HousekeepingOperator(
            task_id="keep_house", processes=["invoice_reconciliation"], outbox_conn_id="backoffice_mailbox"
        )


class _Steps:
    """Names each step on the way to the parent, and ends this process at the chosen one."""

    def __init__(self, writing: int, kill_at: int | None) -> None:
        self.writing, self.kill_at, self.count = writing, kill_at, 0

    def __call__(self, name: str) -> None:
        os.write(self.writing, name.encode() + b"\n")
        if self.count == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        self.count += 1

    def around(self, owner: type, method: str, kind: str) -> None:
        """Count before and after each call of a method."""
        original: Callable[..., Any] = getattr(owner, method)

        @functools.wraps(original)
        def counted(this: Any, *arguments: Any, **named: Any) -> Any:
            name = f"{kind} {_summary(arguments[0])}" if kind == "statement" and arguments else kind
            self(f"before {name}")
            result = original(this, *arguments, **named)
            self(f"after {name}")
            return result

        setattr(owner, method, counted)


def _count_steps(steps: _Steps) -> None:
    import psycopg
    import requests

    steps.around(psycopg.Cursor, "execute", "statement")
    steps.around(psycopg.Cursor, "executemany", "statement")
    steps.around(psycopg.ServerCursor, "execute", "statement")
    steps.around(psycopg.ServerCursor, "fetchmany", "fetch")
    steps.around(psycopg.Connection, "commit", "commit")
    steps.around(psycopg.Connection, "rollback", "rollback")
    steps.around(requests.Session, "send", "call")
    steps.around(Path, "replace", "file")
    steps.around(Path, "write_text", "file")
    copy = psycopg.Cursor.copy

    @contextmanager
    def counted_copy(this: Any, statement: Any, *arguments: Any, **named: Any) -> Iterator[Any]:
        steps(f"before {_summary(statement)}")
        with copy(this, statement, *arguments, **named) as rows:
            steps(f"begun {_summary(statement)}")
            yield rows
            steps(f"all rows sent {_summary(statement)}")
        steps(f"after {_summary(statement)}")

    psycopg.Cursor.copy = counted_copy  # type: ignore[method-assign]


def _summary(statement: Any) -> str:
    """Return the beginning of a statement without its comments."""
    if hasattr(statement, "as_string"):
        statement = statement.as_string()
    text = statement.decode() if isinstance(statement, bytes) else str(statement)
    return " ".join(
        " ".join(line for line in text.splitlines() if not line.lstrip().startswith("--")).split()
    )[:60]


if __name__ == "__main__":
    serve()
