"""All controls over a month of many entries, beside one plain count over the same journal."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

BASELINE = "SELECT count(*), sum(l.debit), sum(l.credit) FROM ledger.journal_entry e JOIN ledger.journal_line l ON l.entry_id = e.entry_id"


def fill(dsn: str, lines: int) -> int:
    """Invent books, match, decide and post them as a night does; return how many entries there are."""
    from backoffice.operators.decide import decide_open_invoices

    text = (Path(__file__).parent / "invent_books.sql").read_text(encoding="utf-8")
    with psycopg.connect(dsn) as connection:
        connection.execute(text.replace(":lines", str(lines)))
        connection.execute(
            "INSERT INTO ledger.receipt_queue SELECT receipt_line_id FROM purchasing.receipt_line ON CONFLICT DO NOTHING"
        )
        [run] = connection.execute(
            "SELECT ops.open_run('invoice_reconciliation', 'bench', 'bench', false, '{}', '0')"
        ).fetchone() or (0,)
        connection.commit()
        steps = (
            lambda: connection.execute("SELECT ledger.match_invoices(%s)", (run,)),
            lambda: decide_open_invoices(connection, run),
            lambda: connection.execute("SELECT ledger.post_entries(%s)", (run,)),
        )
        for step in steps:
            step()
            connection.execute("ANALYZE")
            connection.commit()
        [entries] = connection.execute("SELECT count(*) FROM ledger.journal_entry").fetchone() or (0,)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    return int(entries)


def measure(dsn: str, lines: int) -> str:
    """Return the table rows."""
    from backoffice.domain.period import Period
    from backoffice.governance.controls.catalogue import load_catalogue
    from backoffice.governance.controls.examine import examine

    entries = fill(dsn, lines)
    today = datetime.now(UTC).date()
    period = Period("bench", today - timedelta(days=400), today + timedelta(days=30))
    with psycopg.connect(dsn) as connection:
        started = time.perf_counter()
        connection.execute(BASELINE).fetchall()
        base = time.perf_counter() - started
        started = time.perf_counter()
        results = examine(connection, load_catalogue(), period)
        whole = time.perf_counter() - started
    failed = [result.control.id for result in results if result.outcome == "not performed"]
    if failed:
        raise RuntimeError(f"not performed: {', '.join(failed)}")
    slowest: list[Any] = sorted(results, key=lambda result: -result.seconds)[:4]
    longest = ", ".join(f"{result.control.id} {result.seconds:.1f}" for result in slowest)
    items = sum(result.items for result in results)
    return (
        f"| all controls over {entries:,} entries | {whole:.1f} s | {base:.2f} s | {whole / base:.0f} x | "
        f"{items:,} items tested; {longest} |"
    )


def main() -> None:
    """Print one row per size (invoice lines)."""
    root = Path(__file__).parents[1]
    sys.path[:0] = [str(root / "plugins"), str(root)]
    from benchmarks.server import ledger_database

    for lines in [int(size) for size in sys.argv[1:]] or [15_000]:
        with ledger_database() as dsn:
            print(measure(dsn, lines), flush=True)


if __name__ == "__main__":
    main()
