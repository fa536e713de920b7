"""Whole nights through the real operators over HTTP: an empty one, 1,000 and 10,000 documents, with peak memory.

The steps run one after the other in this process, so the scheduler's own seconds are not in these figures.
The baseline is the night's own floor: fetching every document over HTTP and storing its bytes, and nothing else.
"""

from __future__ import annotations

import hashlib
import logging
import resource
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg
import requests

ANCHOR = date(2026, 11, 20)
USER, PASSWORD = "bench", "bench-only"


def fetch_and_store(url: str, dsn: str) -> float:
    """Fetch each document and store its bytes once; return the seconds it took."""
    session = requests.Session()
    session.auth = (USER, PASSWORD)
    started = time.perf_counter()
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE TEMP TABLE floor (sha256 bytea, content bytea)")
        following: str | None = "/mailbox/messages?page_size=1000"
        while following:
            page = session.get(url + following, timeout=60).json()
            for item in page["items"]:
                content = session.get(url + item["href"], timeout=60).content
                connection.execute(
                    "INSERT INTO floor VALUES (%s, %s)", (hashlib.sha256(content).digest(), content)
                )
            following = page["next"]
    return time.perf_counter() - started


def night(name: str) -> tuple[float, dict[str, float]]:
    """Run every task of the Dag but the sensor; return the sum and the seconds per task."""
    from tests.night import LEFT_OUT, run_task, tasks

    from backoffice.processes.invoice_reconciliation import Reconciliation

    spent: dict[str, float] = {}
    for task in tasks(Reconciliation(synthetic=True)):
        if task.task_id in LEFT_OUT:
            continue
        started = time.perf_counter()
        result = run_task(task, name)
        spent[task.task_id] = time.perf_counter() - started
        if isinstance(result, BaseException):
            raise result
    return sum(spent.values()), spent


def measure(size: int) -> str:
    """Start a company, run a night and an empty night after it, and return the table rows."""
    from tests.night import connection_json, environment, http_json

    from backoffice.sandbox.generator import generate
    from backoffice.sandbox.server.background import running
    from backoffice.sandbox.server.clock import SandboxClock
    from backoffice.sandbox.server.gate import Credentials
    from benchmarks.server import ledger_database

    invented = generate(7, size, "clean", ANCHOR)
    with ExitStack() as stack:
        dsn = stack.enter_context(ledger_database())
        clock = SandboxClock(datetime(ANCHOR.year, ANCHOR.month, ANCHOR.day, tzinfo=UTC) + timedelta(days=1))
        url = stack.enter_context(running(invented, Credentials(USER, PASSWORD), clock))
        with psycopg.connect(dsn) as connection:
            connection.execute("INSERT INTO ops.simulated_clock (business_date) VALUES (%s)", (ANCHOR,))
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        http = http_json(url, USER, PASSWORD)
        values: dict[str, str] = {
            "AIRFLOW_CONN_BACKOFFICE_LEDGER": connection_json(dsn),
            **{f"AIRFLOW_CONN_BACKOFFICE_{name}": http for name in ("ERP", "WAREHOUSE", "MAILBOX")},
            "AIRFLOW__BACKOFFICE__REPORT_DIR": f"{folder}/reports",
            "AIRFLOW__BACKOFFICE__GATE_DIR": f"{folder}/gates",
        }
        stack.enter_context(environment(values))
        floor = fetch_and_store(url, dsn)
        whole, spent = night("first")
        empty, _ = night("second")
    longest = ", ".join(
        f"{task} {seconds:.1f}" for task, seconds in sorted(spent.items(), key=lambda one: -one[1])[:4]
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return (
        f"| night of {size:,} documents | {whole:.1f} s | {floor:.1f} s | {whole / floor:.1f} x | {longest}; peak {peak} MB (with the company) |\n"
        f"| empty night after it | {empty:.1f} s | | | all steps, no scheduler |"
    )


def main() -> None:
    """Print two rows per size."""
    root = Path(__file__).parents[1]
    sys.path[:0] = [str(root / "plugins"), str(root)]
    logging.disable(logging.WARNING)
    for size in [int(size) for size in sys.argv[1:]] or [1_000, 10_000]:
        print(measure(size), flush=True)


if __name__ == "__main__":
    main()
