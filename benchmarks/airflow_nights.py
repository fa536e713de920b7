"""Whole nights of the Dag under the real Airflow: 1,000 and 10,000 documents, each followed by an empty night.

An installation of its own is brought up for each size (bundled Postgres, sandbox company, scheduler, Dag
processor, triggerer, API server), so nothing of another installation is touched. A night is measured from the
call that starts the run to the end of the task `report`; what waits for people afterwards does not count.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[1]
DAG_ID, MILESTONE = "invoice_reconciliation", "report"
TIMEOUT_S = 3600


class PeakMemory:
    """The largest process of the installation, sampled while a night runs."""

    def __init__(self, home: Path) -> None:
        self._home, self._ended = str(home), threading.Event()
        self.mebibytes, self.of = 0, ""

    def __enter__(self) -> PeakMemory:
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._ended.wait(0.5):
            for process in psutil.Process().children(recursive=True):
                try:
                    resident = process.memory_info().rss // 2**20
                    if resident > self.mebibytes:
                        self.mebibytes, self.of = resident, " ".join(process.cmdline()[:5])[-70:]
                except psutil.Error:
                    continue


@contextmanager
def installation(size: int) -> Iterator[Path]:
    """Bring everything up with a company of this size; yield the state folder."""
    with tempfile.TemporaryDirectory(prefix="backoffice-bench-") as folder:
        state = Path(folder) / "var"
        os.environ.update(
            BACKOFFICE_HOME=str(state), BACKOFFICE_SANDBOX_SIZE=str(size), BACKOFFICE_SANDBOX_MIX="clean"
        )
        from backoffice.runtime.home import find_home
        from backoffice.runtime.lifecycle import bring_down, bring_up

        bring_up(find_home(), lambda text: None)
        try:
            yield state
        finally:
            bring_down(find_home(), lambda text: None)


def night(run_id: str) -> float:
    """Start a run and wait for its report; return the seconds between."""
    from backoffice.runtime.airflow_api import AirflowApi
    from backoffice.runtime.home import find_home
    from backoffice.runtime.lifecycle import look
    from backoffice.runtime.secret_store import load_secrets

    home = find_home()
    api = AirflowApi(str((look(home).said or {})["url"]), "admin", load_secrets(home).users["admin"])
    until = time.monotonic() + TIMEOUT_S
    while api.dag(DAG_ID) is None and time.monotonic() < until:
        time.sleep(0.5)
    api.unpause(DAG_ID)
    started = time.monotonic()
    api.trigger(DAG_ID, run_id)
    while time.monotonic() < until:
        tasks = {str(task["task_id"]).rpartition(".")[2]: task["state"] for task in api.tasks(DAG_ID, run_id)}
        if tasks.get(MILESTONE) == "success":
            return time.monotonic() - started
        failed = sorted(name for name, state in tasks.items() if state in ("failed", "upstream_failed"))
        if failed:
            raise RuntimeError(f"run {run_id} failed in {', '.join(failed)}")
        time.sleep(0.25)
    raise RuntimeError(f"run {run_id} had no report after {TIMEOUT_S} s")


def accepted() -> int:
    """Return how many documents the ledger has: the night that was measured did them all."""
    import psycopg

    from backoffice.runtime.home import find_home
    from backoffice.runtime.ledger_database import ledger_dsn

    with psycopg.connect(ledger_dsn(find_home(), "backoffice_auditor")) as connection:
        row = connection.execute("SELECT count(*) FROM purchasing.invoice").fetchone()
    return int(row[0]) if row else 0


def measure(size: int) -> str:
    """Return the table rows of one size."""
    with installation(size) as state, PeakMemory(state) as peak:
        first, documents = night("bench-first"), accepted()
        empty = min(night(f"bench-empty-{number}") for number in (1, 2))
    return (
        f"| whole Dag, night of {size:,} documents | {first:.0f} s | | | {documents:,} accepted; largest process {peak.mebibytes} MB (`{peak.of}`) |\n"
        f"| whole Dag, empty night after it, warm | {empty:.0f} s | target 40 s | | the better of two |"
    )


def main() -> None:
    """Print two rows per size."""
    sys.path[:0] = [str(ROOT / "plugins"), str(ROOT)]
    for size in [int(size) for size in sys.argv[1:]] or [1_000, 10_000]:
        with redirect_stdout(sys.stderr):
            rows = measure(size)
        print(rows, flush=True)


if __name__ == "__main__":
    main()
