"""What proving costs: 100,000 decisions decided, recorded, sealed and verified; and the share of it in a whole night.

Beside it: a bare Python loop that only decides, and a bare COPY of the same bytes into a table without keys.
``python -m benchmarks.governance 20000 2000`` takes fewer: decisions, and documents of the night.
"""

from __future__ import annotations

import logging
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

PROJECT = Path(__file__).resolve().parents[1]
NAME = "invoice_reconciliation"


@dataclass(frozen=True)
class Measured:
    """Seconds of each step, and the bytes that were recorded."""

    recorded: int
    size: int
    deciding: float
    sealing: float
    verifying: float
    bare_loop: float
    bare_copy: float


def prepared(dsn: str, invoices: int) -> int:
    """Invent the books of that many invoices, match them, and return the run that decides."""
    text = (PROJECT / "benchmarks" / "invent_books.sql").read_text(encoding="utf-8")
    with psycopg.connect(dsn) as connection:
        connection.execute("SET jit = off")
        connection.execute(text.replace(":lines", str(3 * invoices)))
        row = connection.execute(
            "SELECT ops.open_run(%s, 'bench', 'bench', false, %s, '0')",
            (
                NAME,
                '{"sources": [{"source": "erp", "dataset": "orders"}, {"source": "warehouse", "dataset": "receipts"}]}',
            ),
        ).fetchone()
        # what a night has read: so that each record names its sources and their age
        for source, dataset in (("erp", "orders"), ("warehouse", "receipts")):
            load = connection.execute(
                "SELECT load_id FROM intake.open_load(%s, %s, %s, 'bench', NULL, true)",
                (*row, source, dataset),
            ).fetchone()
            connection.execute("SELECT intake.finish_load(%s, now(), 0, NULL)", load)
            connection.execute("SELECT intake.mark_gated(%s, '{}')", load)
        connection.execute("SELECT * FROM intake.accept_loads(%s)", row)
        connection.execute("SELECT * FROM ledger.match_invoices(%s)", row)
        connection.commit()
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
    return int(row[0])


def measure(dsn: str, invoices: int, folder: Path) -> Measured:
    """Decide and record all, seal, verify; then the two baselines on the same inputs and bytes."""
    from backoffice.operators.decide import decide_open_invoices
    from backoffice.runtime.sealer.anchors import FileAnchor
    from backoffice.runtime.sealer.process import Sealer, SealerConfig
    from benchmarks.verification import verify

    run_id = prepared(dsn, invoices)
    with psycopg.connect(dsn) as connection:
        connection.execute("SET jit = off")
        started = time.perf_counter()
        recorded = decide_open_invoices(connection, run_id)["recorded"]
        connection.commit()
        deciding = time.perf_counter() - started
    config = SealerConfig(dsn, folder / "key.pem", [FileAnchor(folder / "anchors")], "backoffice.bench/log")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(hashtextextended('backoffice:sealer', 0))")
        sealer = Sealer(config, connection)
        started = time.perf_counter()
        sealer.look("benchmark")
        sealing = time.perf_counter() - started
        verifying, _, _ = verify(dsn, folder)
        bodies = [
            row[0] for row in connection.execute("SELECT body FROM audit.record WHERE kind = 'decision'")
        ]
        inputs = [row[0] for row in connection.execute("SELECT explanation -> 'inputs' FROM ledger.decision")]
        bare_copy = copied(connection, bodies)
        bare_loop = looped(connection, inputs)
    return Measured(recorded, sum(map(len, bodies)), deciding, sealing, verifying, bare_loop, bare_copy)


def copied(connection: psycopg.Connection[Any], bodies: list[bytes]) -> float:
    """Return the seconds that a bare COPY of the same bytes takes, committed."""
    connection.execute("CREATE TABLE public.bare (body bytea)")
    started = time.perf_counter()
    with connection.cursor() as cursor, cursor.copy("COPY public.bare FROM STDIN (FORMAT binary)") as copy:
        copy.set_types(["bytea"])
        for body in bodies:
            copy.write_row((body,))
    return time.perf_counter() - started


def looped(connection: psycopg.Connection[Any], inputs: list[dict[str, Any]]) -> float:
    """Return the seconds that deciding alone takes, without reasons and without a record."""
    from backoffice.domain.decision_record import given
    from backoffice.operators.decide import active_policy

    policy = active_policy(connection, "approve_invoice")
    cases = [given(one) for one in inputs]
    started = time.perf_counter()
    outcomes = [policy.decide(one).outcome for one in cases]
    assert len(outcomes) == len(cases)
    return time.perf_counter() - started


def share_of_a_night(documents: int, folder: Path) -> tuple[float, float]:
    """Run a night of that many documents; return its seconds and those of the log.

    Counted as the log's: writing any record, everything that recording decisions does, and sealing. That is more
    than the log alone: the evidence of a decision is needed without one, too.
    """
    from tests.night import connection_json, environment, http_json

    from backoffice.runtime.sealer.anchors import FileAnchor
    from backoffice.runtime.sealer.process import Sealer, SealerConfig
    from backoffice.sandbox.generator import generate
    from backoffice.sandbox.server.background import running
    from backoffice.sandbox.server.clock import SandboxClock
    from backoffice.sandbox.server.gate import Credentials
    from benchmarks.nights import ANCHOR, PASSWORD, USER, night
    from benchmarks.server import ledger_database

    with ExitStack() as stack:
        dsn = stack.enter_context(ledger_database())
        clock = SandboxClock(datetime(ANCHOR.year, ANCHOR.month, ANCHOR.day, tzinfo=UTC) + timedelta(days=1))
        company = generate(7, documents, "clean", ANCHOR)
        url = stack.enter_context(running(company, Credentials(USER, PASSWORD), clock))
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("INSERT INTO ops.simulated_clock (business_date) VALUES (%s)", (ANCHOR,))
            connection.execute("ALTER DATABASE backoffice SET track_functions = 'all'")
        http = http_json(url, USER, PASSWORD)
        values: dict[str, str] = {
            "AIRFLOW_CONN_BACKOFFICE_LEDGER": connection_json(dsn),
            **{f"AIRFLOW_CONN_BACKOFFICE_{name}": http for name in ("ERP", "WAREHOUSE", "MAILBOX")},
            "AIRFLOW__BACKOFFICE__REPORT_DIR": f"{folder}/reports",
            "AIRFLOW__BACKOFFICE__GATE_DIR": f"{folder}/gates",
        }
        stack.enter_context(environment(values))
        whole, _ = night("first")
        config = SealerConfig(
            dsn, folder / "key.pem", [FileAnchor(folder / "anchors")], "backoffice.bench/log"
        )
        with psycopg.connect(dsn, autocommit=True) as connection:
            sealer = Sealer(config, connection)
            started = time.perf_counter()
            sealer.look("benchmark")
            sealing = time.perf_counter() - started
            row = connection.execute(
                "SELECT coalesce(sum(total_time), 0) / 1000 FROM pg_stat_user_functions "
                "WHERE (schemaname, funcname) IN (('audit', 'append_many'), ('ledger', 'record_machine_decisions'))"
            ).fetchone()
    return whole + sealing, float(row[0] if row else 0) + sealing


def main() -> None:
    """Print one row per step."""
    sys.path[:0] = [str(PROJECT / "plugins"), str(PROJECT)]
    from benchmarks.server import ledger_database

    logging.disable(logging.WARNING)
    sizes = [int(size) for size in sys.argv[1:]]
    invoices, documents = (sizes + [100_000, 10_000][len(sizes) :])[:2]
    with ledger_database() as dsn, tempfile.TemporaryDirectory(prefix="backoffice-bench-") as name:
        found = measure(dsn, invoices, Path(name))
    whole = found.deciding + found.sealing
    bare = found.bare_loop + found.bare_copy
    print(
        f"| {found.recorded:,} decisions decided, recorded and sealed | {whole:.1f} s | {bare:.1f} s | {whole / bare:.1f} x | "
        f"deciding and recording {found.deciding:.1f} s, sealing {found.sealing:.1f} s; the bare loop only decides ({found.bare_loop:.1f} s), "
        f"the bare COPY only stores the same {found.size / 1e6:.0f} MB ({found.bare_copy:.1f} s) |\n"
        f"| their log verified in full | {found.verifying:.1f} s | | | the whole command |",
        flush=True,
    )
    with tempfile.TemporaryDirectory(prefix="backoffice-bench-") as name:
        night_s, log_s = share_of_a_night(documents, Path(name))
    print(
        f"| the log's share in a night of {documents:,} documents | {100 * log_s / night_s:.1f} % | | | {log_s:.1f} s of {night_s:.1f} s, all of recording decisions counted |",
        flush=True,
    )


if __name__ == "__main__":
    main()
