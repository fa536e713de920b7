"""The steps of a reconciliation run, each one call of the ledger in the caller's transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from backoffice.operators.case_keeping import prioritise_cases
from backoffice.operators.decide import decide_open_invoices
from backoffice.operators.ledger_step import counts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from backoffice.operators.ledger_step import Connection


def accept_loads(connection: Connection, run_id: int) -> dict[str, Any]:
    """Accept every gated load of the run: facts, quarantine, control totals and watermarks together."""
    rows = connection.execute(
        "SELECT dataset, received, accepted, quarantined, known FROM intake.accept_loads(%s)", (run_id,)
    ).fetchall()
    return {
        dataset: {"received": received, "accepted": accepted, "quarantined": quarantined, "known": known}
        for dataset, received, accepted, quarantined, known in rows
    }


def match_invoices(connection: Connection, run_id: int, tolerance_set: str | None = None) -> dict[str, Any]:
    """Judge what is queued; raise and clear holds; allocate receipts to what was judged."""
    found = counts(connection, "SELECT * FROM ledger.match_invoices(%s, %s)", run_id, tolerance_set)
    return found | counts(connection, "SELECT ledger.allocate_receipts(%s) AS allocations", run_id)


def post_entries(connection: Connection, run_id: int) -> dict[str, Any]:
    """Book what the decisions allow and propose payments."""
    return counts(connection, "SELECT * FROM ledger.post_entries(%s)", run_id)


def open_cases(connection: Connection, run_id: int) -> dict[str, Any]:
    """Hand the doubtful rest to people, and say how urgent each case is."""
    opened = counts(connection, "SELECT * FROM review.open_cases(%s)", run_id)
    row = connection.execute("SELECT process FROM ops.run WHERE run_id = %s", (run_id,)).fetchone()
    if row is not None:
        prioritise_cases(connection, run_id, row[0])
    return opened


def seed_test_cases(connection: Connection, run_id: int, most: int) -> int:
    """Put past cases with a known answer among the open ones, so that at most so many of them wait."""
    return int(counts(connection, "SELECT review.seed_test_cases(%s, %s) AS seeded", run_id, most)["seeded"])


def book_answers(connection: Connection, run_id: int, process: str) -> dict[str, Any]:
    """Book every answered case of the process that is not booked yet."""
    return counts(connection, "SELECT * FROM review.book_answers(%s, %s)", run_id, process)


def rehearse(connection: Connection, run_id: int, tolerance_set: str | None) -> None:
    """Do all steps up to the cases; the caller reports and rolls back."""
    accept_loads(connection, run_id)
    match_invoices(connection, run_id, tolerance_set)
    decide_open_invoices(connection, run_id)
    post_entries(connection, run_id)
    open_cases(connection, run_id)


def write_report(connection: Connection, run_id: int, shipped: Mapping[str, str]) -> dict[str, Any]:
    """Write the report of the run, and return it.

    :param shipped: Hash of each policy file at hand by name; the report names those not active as drafts.
    """
    row = connection.execute("SELECT ops.write_report(%s, %s)", (run_id, Jsonb(dict(shipped)))).fetchone()
    report: dict[str, Any] = row[0] if row else {}
    return report
