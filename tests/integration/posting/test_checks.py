"""Each check of a run can fail, and says what it found."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from tests.integration.attacks.target import ACTIVE, approve
from tests.integration.posting.desk import Desk

pytestmark = pytest.mark.integration

# check -> what has to be broken for it to fail; the books have two of everything
BROKEN = {
    "received = accepted + quarantined + already known": [
        "DELETE FROM intake.stage_invoice WHERE row_no = 2",
        "UPDATE intake.stage_receipt_line SET control_amount = control_amount + 1 WHERE row_no = 1",
        "UPDATE intake.stage_order_line SET control_amount = NULL WHERE row_no = 1",
        "DELETE FROM intake.quarantine",
        "UPDATE intake.load SET source_count = 3 WHERE dataset = 'suppliers'",
        "UPDATE intake.load SET source_amount = 3 WHERE dataset = 'orders'",
    ],
    "every accepted row is a fact": [
        "DELETE FROM purchasing.invoice WHERE invoice_number = 'R-2'",
        "DELETE FROM purchasing.receipt_line WHERE receipt_number = 'GR-2'",
        "DELETE FROM purchasing.order_line WHERE po_line = '2'",
        "DELETE FROM purchasing.master_version WHERE business_key LIKE '%/2'",
        "DELETE FROM purchasing.supplier WHERE supplier_id = 'S2'",
    ],
    "every accepted line is in exactly one state": ["DELETE FROM ledger.line_state WHERE invoice_line_id = (SELECT max(invoice_line_id) FROM ledger.line_state)"],
    "journal balances": ["DELETE FROM ledger.journal_line WHERE account = '1600'"],
    "GR/IR balance per order line ties to the journal": [
        "UPDATE ledger.gr_ir SET billed_value = billed_value + 1, received_value = received_value + 1",
        "DELETE FROM ledger.gr_ir",
        "DELETE FROM ledger.journal_line WHERE account = '1590'",
    ],
    "open items tie to accounts payable": ["DELETE FROM ledger.open_item", "UPDATE ledger.open_item SET amount = amount + 0.01"],
    "nothing is proposed for payment that is held": [
        "UPDATE ledger.hold SET invoice_id = (SELECT max(invoice_id) FROM ledger.payment_proposal)",
        "UPDATE ledger.invoice_status SET payment_block = true",
        "UPDATE ledger.invoice_status SET state = 'waiting_source'",
    ],
    "every hold under review is in a case": ["DELETE FROM review.case_item"],
    "every company code with something to book has an open fiscal period": [
        "UPDATE ledger.fiscal_period SET state = 'closed'; INSERT INTO ledger.receipt_queue SELECT receipt_line_id FROM purchasing.receipt_line"
    ],
    "every booked invoice that is free for payment is proposed": ["DELETE FROM ledger.payment_proposal", "UPDATE ledger.payment_proposal SET state = 'withdrawn'"],
}  # fmt: skip


def test_every_check_is_broken_here(desk: Desk) -> None:
    desk.night()
    assert [check["check"] for check in desk.one("SELECT ops.check_run(%s)", desk.books.run_id)] == list(
        BROKEN
    )


def two_of_everything(desk: Desk) -> None:
    books = desk.books
    books.supplier("S2")
    for line in (1, 2, 3):
        desk.order(line)
    for line in (1, 2):
        books.receive("PO-1", line, 10, f"GR-{line}")
        books.invoice(f"R-{line}", [("PO-1", line, 10, 10)])
    books.invoice("R-3", [("PO-1", 3, 10, 20)], due_date="2026-11-21")
    books.invoice("Q-1", [("PO-1", 1, 1, 10)])
    load = books.stage("invoices", gate=False)
    books.connection.execute(
        "INSERT INTO intake.finding (load_id, dataset, row_no, check_id, severity, reason) VALUES (%s, 'invoices', 4, 'x', 'quarantine', 'x')",
        (load,),
    )
    books.connection.execute("SELECT intake.mark_gated(%s, '{}')", (load,))
    desk.night()


@pytest.mark.parametrize("check", BROKEN)
def test_a_check_fails_when_it_should(desk: Desk, check: str) -> None:
    """Rows are broken past every protection, one way after the other, and put back."""
    two_of_everything(desk)
    assert desk.failed_checks() == []
    for statement in BROKEN[check]:
        with desk.admin.transaction(force_rollback=True):
            desk.admin.execute("SET LOCAL session_replication_role = replica")
            for table in ("journal_entry", "journal_line", "decision"):
                desk.admin.execute(f"ALTER TABLE ledger.{table} DISABLE TRIGGER USER")
            desk.admin.execute("ALTER TABLE purchasing.master_version DISABLE TRIGGER USER")
            desk.admin.execute(statement)
            checks: list[dict[str, Any]] = desk.one("SELECT ops.check_run(%s)", desk.books.run_id)
        assert check in [one["check"] for one in checks if not one["ok"]], statement


def test_two_holds_of_one_amount_are_both_counted(desk: Desk) -> None:
    """Two invoices over 240.00, one of them with two lines held: 480.00 at stake, three holds."""
    desk.order(1, match_type=2)
    desk.order(2, match_type=2)
    desk.books.invoice("R-1", [("PO-1", 1, 10, 20)])
    desk.books.invoice("R-2", [("PO-1", 1, 5, 20), ("PO-1", 2, 5, 20)])
    desk.night()
    assert [(hold["count"], Decimal(hold["amount"])) for hold in desk.report()["holds"]] == [
        (3, Decimal("480.00"))
    ]


def test_a_policy_in_another_currency_than_the_document_is_named(desk: Desk) -> None:
    """After an invoice was approved, a policy in dollars takes over: approved, not booked, and said so."""
    desk.order(match_type=2)
    desk.books.invoice("R-1", [("PO-1", 1, 10, 10)])
    desk.books.match()
    connection = desk.books.connection
    sha256, invoice = connection.execute(
        f"SELECT ({ACTIVE}), max(invoice_id) FROM purchasing.invoice"
    ).fetchone()
    approve(connection, desk.books.run_id, sha256, invoice)
    connection.commit()
    desk.admin.execute(
        "SELECT ledger.activate_policy(replace(replace(content, 'version: 3', 'version: 4'), '100000.00 EUR', '100000.00 USD'), 'test') "
        "FROM ledger.policy_version WHERE policy_id = 'approve_invoice'"
    )
    connection.execute("SELECT ledger.post_entries(%s)", (desk.books.run_id,))
    connection.commit()
    assert desk.report()["left_undone"] == [
        {"what": "approved, not booked", "reason": "the policy decides in USD, the document is in EUR", "count": 1, "amount": "120", "currency": "EUR"}
    ]  # fmt: skip
