"""Matching of many lines beside the bare three-table hash join over the same rows."""

from __future__ import annotations

import resource
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import psycopg

BARE_JOIN = """
SELECT count(*), sum(l.net_amount), sum(r.quantity) FROM purchasing.invoice_line l
JOIN purchasing.order_line o ON o.order_line_id = l.order_line_id
JOIN purchasing.receipt_line r ON r.order_line_id = o.order_line_id
"""


def seconds(connection: psycopg.Connection[Any], statement: str, *values: object) -> float:
    started = time.perf_counter()
    connection.execute(statement, values).fetchall()
    return time.perf_counter() - started


def measure(dsn: str, lines: int) -> dict[str, float]:
    """Invent the books, match everything once, and run the baseline before and after."""
    text = (
        (Path(__file__).parent / "invent_books.sql").read_text(encoding="utf-8").replace(":lines", str(lines))
    )
    with psycopg.connect(dsn) as connection:
        connection.execute("SET jit = off")
        connection.execute(text)
        row = connection.execute(
            "SELECT ops.open_run('invoice_reconciliation', 'bench', 'bench', false, '{}', '0')"
        ).fetchone()
        connection.commit()
        with psycopg.connect(dsn, autocommit=True) as vacuum:
            # the trigger that adds up receipts touched every order line once; measure tables as they usually are
            vacuum.execute("VACUUM (FULL, ANALYZE) purchasing.order_line")
            vacuum.execute("VACUUM ANALYZE")
            vacuum.execute("CHECKPOINT")
        connection.execute("SET max_parallel_workers_per_gather = 0")
        before = [seconds(connection, BARE_JOIN) for _ in range(2)]
        connection.execute("RESET max_parallel_workers_per_gather")
        started = time.perf_counter()
        counted = connection.execute("SELECT * FROM ledger.match_invoices(%s)", (row[0],)).fetchone()
        connection.commit()
        matched = time.perf_counter() - started
        allocated = seconds(connection, "SELECT ledger.allocate_receipts(%s)", row[0])
        connection.commit()
        again = seconds(connection, "SELECT * FROM ledger.match_invoices(%s)", row[0])
        connection.execute("SET max_parallel_workers_per_gather = 0")
        baseline = statistics.median([*before, seconds(connection, BARE_JOIN)])
    return {
        "lines": counted[1],
        "holds": counted[2],
        "match_s": matched,
        "allocate_s": allocated,
        "again_s": again,
        "join_s": baseline,
        "ratio": matched / baseline,
    }


def main() -> None:
    """Print one row per size."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "plugins"))
    from benchmarks.server import ledger_database

    for lines in [int(size) for size in sys.argv[1:]] or [100_000, 1_000_000]:
        with ledger_database() as dsn:
            found = measure(dsn, lines)
        print(
            f"| match {found['lines']:,} lines | {found['match_s']:.2f} s | {found['join_s']:.2f} s | {found['ratio']:.1f} x | "
            f"{found['holds']:,} holds; again with nothing new {found['again_s']:.2f} s; allocation rows apart {found['allocate_s']:.2f} s; "
            f"client peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB |",
            flush=True,
        )


if __name__ == "__main__":
    main()
