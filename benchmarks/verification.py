"""Verify audit logs of 100,000 records, or of as many as are named: time and largest memory of the whole command.

``python -m benchmarks.verification 10000000`` takes half an hour and 15 GB of disk, most of it for making the log up.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

PROJECT = Path(__file__).resolve().parents[1]
AT_ONCE = 400_000  # records per transaction and per checkpoint
BARE_READ = "SELECT count(*), sum(octet_length(body)) FROM audit.record"


def invent(dsn: str, records: int, folder: Path) -> float:
    """Write that many records, seal them in parts, and return the seconds that sealing took."""
    from backoffice.runtime.sealer.anchors import FileAnchor
    from backoffice.runtime.sealer.process import Sealer, SealerConfig

    statement = (PROJECT / "benchmarks" / "invent_log.sql").read_text(encoding="utf-8")
    config = SealerConfig(dsn, folder / "key.pem", [FileAnchor(folder / "anchors")], "backoffice.bench/log")
    sealing = 0.0
    with psycopg.connect(dsn, autocommit=True) as connection:
        sealer = Sealer(config, connection)
        for first in range(0, records, AT_ONCE):
            count = min(AT_ONCE, records - first)
            connection.execute(statement.replace(":first", str(first)).replace(":count", str(count)))
            started = time.perf_counter()
            sealer.look("benchmark")
            sealing += time.perf_counter() - started
        connection.execute("VACUUM ANALYZE")
    return sealing


def verify(dsn: str, folder: Path, *options: str) -> tuple[float, int, dict[str, Any]]:
    """Run the command; return its seconds, its largest memory in MB, and what it found."""
    file = folder / "dsn"
    file.write_text(dsn, encoding="utf-8")
    command = [sys.executable, "-m", "backoffice.cli", "verify-audit", "--json", "--dsn-file", str(file), "--anchors", str(folder / "anchors"), *options]  # fmt: skip
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment(folder))
    seconds = time.perf_counter() - started
    found = json.loads(done.stdout)
    assert found["ok"], [result for result in found["results"] if result["state"] == "failed"]
    return seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024, found


def environment(folder: Path) -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": str(PROJECT / "plugins"), "AIRFLOW_HOME": str(folder)}


def measure(dsn: str, records: int) -> None:
    """Print one row: full, incremental, and a bare read of the same table in the server."""
    with (
        tempfile.TemporaryDirectory(prefix="backoffice-bench-") as name,
        psycopg.connect(dsn, autocommit=True) as there,
    ):
        folder = Path(name)
        there.execute(
            "SELECT pg_advisory_lock(hashtextextended('backoffice:sealer', 0))"
        )  # the sealer is there
        sealing = invent(dsn, records, folder)
        started = time.perf_counter()
        there.execute("SET max_parallel_workers_per_gather = 0")
        there.execute(BARE_READ).fetchall()
        bare = time.perf_counter() - started
        # the first run pays for a cold cache as well as the second: both are shown by the better of two
        runs = [verify(dsn, folder) for _ in range(2 if records <= 1_000_000 else 1)]
        seconds, memory, found = min(runs, key=lambda run: run[0])
        again, _, _ = verify(dsn, folder, "--since-checkpoint")
    print(
        f"| verify an audit log of {found['records']:,} records | {seconds:.1f} s | {bare:.2f} s | {seconds / bare:.0f} x | largest memory {memory} MB; of it in the checks "
        f"{found['seconds']:.1f} s; with nothing new since the last one {again:.1f} s; sealing took {sealing:.1f} s |",
        flush=True,
    )


def main() -> None:
    """Measure each size that is named."""
    sys.path.insert(0, str(PROJECT / "plugins"))
    from benchmarks.server import ledger_database

    for records in [int(size) for size in sys.argv[1:]] or [100_000]:
        with ledger_database() as dsn:
            measure(dsn, records)


if __name__ == "__main__":
    main()
