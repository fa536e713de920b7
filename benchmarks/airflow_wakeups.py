"""From the commit of an answer to the success of the sensor and to the next task running, under the real Airflow.

An installation of its own is brought up from a copy of the package beside one small Dag: a ``ReviewSensor``, then a task
that does nothing. Many runs wait with a case each; the cases are answered one after the other, at any moment between
two looks of scheduler and triggerer. Both ends are what Airflow's own API says of the tasks.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.wakeups import DECIDE, PROCESS

ROOT = Path(__file__).parents[1]
RUNS = 40
DAG_ID = "bench_wakeups"
LIMITS = {"sensor": 2.0, "next": 6.0}
TIMEOUT_S = 600
DAG = f"""
from airflow.sdk import dag, task

from backoffice.sensors.review import ReviewSensor


@task(task_id="next")
def go_on() -> None:
    pass


@dag(dag_id="{DAG_ID}", schedule=None, max_active_runs={RUNS}, max_active_tasks={RUNS})
def wait() -> None:
    ReviewSensor(task_id="sensor", process="{PROCESS}") >> go_on()


wait()
"""
OPEN = """
WITH run AS (
  INSERT INTO ops.run (process, dag_id, airflow_run_id, business_date, package_version)
  SELECT %s, %s, 'wait_' || n, current_date, '0' FROM generate_series(1, %s) AS n RETURNING run_id, airflow_run_id)
INSERT INTO review.case (process, subject_kind, subject_id, subject_key, role, entity, title, evidence_hash, handover, opened_run)
SELECT %s, 'invoice', run_id, 'key', 'ap_clerk', '1000', airflow_run_id, '\\x00', '{}', run_id FROM run RETURNING case_id, title
"""


@contextmanager
def installation() -> Iterator[Any]:
    """Bring everything up with the one Dag; yield the folders."""
    with tempfile.TemporaryDirectory(prefix="backoffice-bench-") as folder:
        project = Path(folder) / "project"
        shutil.copytree(ROOT / "plugins", project / "plugins", ignore=shutil.ignore_patterns("__pycache__"))
        (project / "include").symlink_to(ROOT / "include")
        (project / "dags").mkdir()
        (project / "dags" / f"{DAG_ID}.py").write_text(DAG, encoding="utf-8")
        # what starts is the copy, and a Dag folder is looked for beside the package
        sys.path.insert(0, str(project / "plugins"))
        os.environ["BACKOFFICE_HOME"] = str(Path(folder) / "var")
        from backoffice.runtime.home import find_home
        from backoffice.runtime.lifecycle import bring_down, bring_up

        home = find_home()
        bring_up(home, lambda text: None)
        try:
            yield home
        finally:
            bring_down(home, lambda text: None)


def until(seen: Any, what: str) -> Any:
    """Wait for something to come to pass and return it."""
    end = time.monotonic() + TIMEOUT_S
    while not (found := seen()):
        if time.monotonic() > end:
            raise RuntimeError(f"not within {TIMEOUT_S} s: {what}")
        time.sleep(0.5)
    return found


def tasks_of(api: Any, run_id: str) -> dict[str, dict[str, Any]]:
    """Return the tasks of a run by their ids."""
    return {task["task_id"]: task for task in api.tasks(DAG_ID, run_id)}


def measure(home: Any) -> dict[str, list[float]]:
    """Answer every case; return the seconds until the sensor had succeeded and until the next task ran."""
    import psycopg

    from backoffice.runtime.airflow_api import AirflowApi
    from backoffice.runtime.database import LEDGER_DATABASE, admin_dsn
    from backoffice.runtime.home import known_ports
    from backoffice.runtime.secret_store import load_secrets

    ports = known_ports(home)
    assert ports is not None
    api = AirflowApi(f"http://127.0.0.1:{ports.api}", "admin", load_secrets(home).users["admin"])
    until(lambda: api.dag(DAG_ID), "Airflow reads the Dag")
    with psycopg.connect(admin_dsn(home, LEDGER_DATABASE), autocommit=True) as ledger:
        cases = ledger.execute(OPEN, (PROCESS, DAG_ID, RUNS, PROCESS)).fetchall()
        for _, run_id in cases:
            api.trigger(DAG_ID, run_id)
        for _, run_id in cases:
            until(
                lambda run_id=run_id: tasks_of(api, run_id).get("sensor", {}).get("state") == "deferred",
                f"{run_id} is deferred",
            )
        chance = random.Random(7)  # noqa: S311 - no secret
        committed = {}
        for case_id, run_id in cases:
            time.sleep(chance.uniform(2, 5))
            # before the statement, so that its own time counts too
            committed[run_id] = datetime.now(UTC)
            ledger.execute(DECIDE, (case_id, case_id))
            until(lambda run_id=run_id: api.run_state(DAG_ID, run_id) == "success", f"{run_id} ends")
    return {
        task_id: sorted(
            (datetime.fromisoformat(tasks_of(api, run_id)[task_id][moment]) - at).total_seconds()
            for run_id, at in committed.items()
        )
        for task_id, moment in (("sensor", "end_date"), ("next", "start_date"))
    }


def row(name: str, seconds: list[float], limit: float) -> str:
    """Return a row of the table."""
    p50, p95 = seconds[len(seconds) // 2], seconds[int(len(seconds) * 0.95)]
    return (
        f"| {name} | p95 {p95:.2f} s | target {limit:.0f} s | "
        f"| p50 {p50:.2f} s, worst {seconds[-1]:.2f} s of {len(seconds)}; under the real Airflow |"
    )


def main() -> int:
    """Print two rows; fail when a limit is missed."""
    sys.path.append(str(ROOT))
    with redirect_stdout(sys.stderr), installation() as home:
        load = os.getloadavg()[0]
        seconds = measure(home)
    print(row("answer committed to success of the sensor", seconds["sensor"], LIMITS["sensor"]), flush=True)
    print(row("answer committed to the next task running", seconds["next"], LIMITS["next"]), flush=True)
    print(f"load average {load:.1f} before, {os.getloadavg()[0]:.1f} after", file=sys.stderr)
    return (
        0
        if all(seconds[name][int(len(seconds[name]) * 0.95)] <= limit for name, limit in LIMITS.items())
        else 1
    )


if __name__ == "__main__":
    sys.exit(main())
