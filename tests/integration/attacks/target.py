"""A ledger with something of every kind to steal, and what must not have changed when the attacker is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
from tests import dump
from tests.books import Books
from tests.copies import Copies

SECTIONS = (
    "journal", "payment proposals", "open holds", "invoice states", "GR/IR", "open items", "answers", "cases", "suppliers",
    "order lines", "receipts", "invoices", "quarantine", "outbox",
)  # fmt: skip
RECORD = "SELECT ledger.record_machine_decisions(%s, 'approve_invoice', %s, %s::bigint[], %s::text[], %s::text[], %s::text[])"
ACTIVE = "SELECT sha256 FROM ledger.active_policy WHERE policy_id = 'approve_invoice'"


@dataclass
class Target:
    """A ledger with something of every kind to steal, and the run that the attacker works in."""

    copies: Copies
    template: str
    untouched: dump.Dump
    run_id: int

    def invoice(self, connection: psycopg.Connection[Any], number: str) -> int:
        """Return the id of an invoice."""
        row = connection.execute(
            "SELECT invoice_id FROM purchasing.invoice WHERE invoice_number = %s ORDER BY invoice_id DESC",
            (number,),
        ).fetchone()
        assert row is not None
        return row[0]


def approve(
    connection: psycopg.Connection[Any],
    run_id: int,
    sha256: str | None,
    invoice: int,
    rule: str = "matched",
    why: str = "{}",
) -> None:
    """Record an approval as the tasks' log-in can: what it decides about was asked for in the same transaction."""
    with connection.transaction():
        connection.execute("SELECT ledger.decision_input(%s)", (run_id,))
        connection.execute(RECORD, (run_id, sha256, [invoice], ["approve"], [rule], [why]))


def build(copies: Copies, database: str) -> int:
    """Fill a ledger: paid, held for payment, parked, above the limit, waiting, quarantined, and one that is not decided yet."""
    with copies.connect(database, "admin") as admin:
        admin.execute(
            "INSERT INTO ledger.tolerance (tolerance_set, code, up_pct, up_abs, combine, effective_from) "
            "SELECT 'generous', code, 100, 100000, 'lenient', '2000-01-01' FROM ledger.tolerance WHERE tolerance_set = 'default'"
        )
        admin.execute(
            "SELECT ledger.activate_policy(replace(replace(content, 'version: 3', 'version: 4'), 'machine_limit: 100000.00', 'machine_limit: 999999999.00'), 'test', NULL, '2030-01-01') FROM ledger.policy_version WHERE policy_id = 'approve_invoice'"
        )
    with copies.connect(database, "app") as app:
        books = Books(app).open_run()
        books.supplier()
        for line in range(1, 7):
            books.order("PO-1", line, 100, 10)
        books.order("PO-1", 8, 1000, 1000)
        books.order("PO-1", 9, 100, 10, gr_based=True)
        for line in (1, 2, 3, 4, 5):
            books.receive("PO-1", line, 100)
        books.receive("PO-1", 8, 1000)
        books.invoice("R-PAID", [("PO-1", 1, 10, 10)])
        books.invoice("R-PRICE", [("PO-1", 2, 100, 12)])
        books.invoice("R-QTY", [("PO-1", 3, 101, 10)])
        books.invoice("R-DUP", [("PO-1", 4, 10, 10)])
        books.invoice("R-WAITS", [("PO-1", 9, 10, 10)])
        books.invoice("R-BIG", [("PO-1", 8, 100, 1000)])
        books.night()
        books.open_run("night-2")
        books.invoice("R-DUP", [("PO-1", 4, 20, 10)], payee_iban="DE2")
        books.invoice("Q-1", [("PO-1", 6, 1, 10)])
        books.stage("invoices", gate=False)
        app.execute(
            "INSERT INTO intake.finding (load_id, dataset, row_no, check_id, severity, reason) SELECT load_id, 'invoices', 2, 'x', 'quarantine', 'x' FROM intake.load WHERE state = 'read'"
        )
        app.execute("SELECT intake.mark_gated(load_id, '{}') FROM intake.load WHERE state = 'read'")
        books.night()
        books.open_run("night-3")
        books.invoice("R-NEW", [("PO-1", 5, 10, 10)])
        books.invoice("R-BIG-NEW", [("PO-1", 8, 101, 1000)])
        books.match()
    return books.run_id


def aftermath(target: Target, database: str) -> dump.Dump:
    """Run what the night runs, as the attacker may, and return what counts."""
    with target.copies.connect(database, "app") as app:
        for statement in (
            "ledger.post_entries(%s)",
            "review.open_cases(%s)",
            "review.book_answers(%s, 'invoice_reconciliation')",
            "ledger.post_entries(%s)",
        ):
            app.execute(f"SELECT {statement}", (target.run_id,))
    with target.copies.connect(database, "auditor") as connection:
        found = dump.books(connection)
    return {name: found[name] for name in SECTIONS}


def expect_nothing_gained(target: Target, database: str, *, beside: str | None = None) -> None:
    """Everything is as without the attack, but for one section that the test looks at itself."""
    found, untouched = aftermath(target, database), dict(target.untouched)
    if beside is not None:
        del found[beside], untouched[beside]
    assert found == untouched, dump.differences(untouched, found)
