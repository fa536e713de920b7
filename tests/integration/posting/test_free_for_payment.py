"""What is free for payment is covered and proposed; what is not has a block, and the audit trail says when and why."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tests.integration.posting.desk import Desk

pytestmark = pytest.mark.integration

NOT_COVERED = {
    "what": "approved, not proposed",
    "reason": "orders and receipts do not cover what is booked",
}


def call_matched(desk: Desk, number: str) -> None:
    """Let the verdict say that nothing stands on an invoice, against the facts; then decide and post once more."""
    invoice = desk.one("SELECT invoice_id FROM purchasing.invoice WHERE invoice_number = %s", number)
    desk.admin.execute(
        "UPDATE ledger.hold SET released_at = now(), release_kind = 'facts' WHERE invoice_id = %s AND released_at IS NULL",
        (invoice,),
    )
    desk.admin.execute("UPDATE ledger.invoice_status SET state = 'matched' WHERE invoice_id = %s", (invoice,))
    desk.admin.execute("DELETE FROM ledger.match_queue WHERE invoice_id = %s", (invoice,))
    desk.books.decide()
    desk.books.connection.execute("SELECT ledger.post_entries(%s)", (desk.books.run_id,))
    desk.books.connection.commit()


def not_covered(desk: Desk) -> list[dict[str, str]]:
    return [{name: item[name] for name in NOT_COVERED} for item in desk.report()["left_undone"]]


def test_what_waits_for_a_source_is_not_paid_meanwhile(desk: Desk) -> None:
    """A return comes while the main warehouse is silent: what was proposed is withdrawn until it has spoken."""
    desk.order()
    desk.books.receive("PO-1", 1, 100)
    desk.books.invoice("R-1", [("PO-1", 1, 100, 10)])
    desk.night()
    assert desk.proposed() == [Decimal("1200.00")]
    desk.books.sources = [{"source": "main warehouse", "dataset": "receipts"}]
    desk.books.receive("PO-1", 1, -50)
    desk.night("night-2")
    assert desk.books.status("R-1") == ("waiting_source", True, True)
    assert desk.proposed() == []
    assert desk.failed_checks() == []
    desk.books.sources = [{"source": "books", "dataset": "receipts"}]
    desk.books.receive("PO-1", 1, 50)
    desk.night("night-3")
    assert desk.proposed() == [Decimal("1200.00")]
    assert desk.effects() == [
        "payment proposed",
        "payment block raised",
        "payment proposal withdrawn",
        "payment block released",
        "payment proposed again",
    ]


def test_a_proposal_of_a_rejected_invoice_is_withdrawn_on_record(desk: Desk) -> None:
    desk.order(match_type=2)
    desk.books.invoice("R-1", [("PO-1", 1, 10, 10)])
    desk.night()
    desk.order(price=5, match_type=2, version=2)
    desk.night("night-2")
    assert desk.proposed() == []
    desk.says("buyer", "reject")
    desk.act()
    assert desk.effects() == ["payment proposed", "payment block raised", "payment proposal withdrawn"]


def test_what_is_approved_and_not_covered_is_blocked_and_named(desk: Desk) -> None:
    """An order goes to another supplier after the first has billed it: what that one billed still uses up the order."""
    desk.books.supplier("S2")
    desk.order(match_type=2)
    desk.books.invoice("R-1", [("PO-1", 1, 100, 10)])
    desk.night()
    desk.order(match_type=2, supplier_id="S2", version=2)
    desk.books.invoice("R-2", [("PO-1", 1, 100, 10)], seller_id="S2", seller_name="Supplier S2")
    desk.night("night-2")
    assert desk.books.codes("R-2") == {"1": ["QTY_ORD"]}
    call_matched(desk, "R-2")
    assert desk.books.status("R-2") == ("matched", True, True)
    assert desk.proposed() == []
    assert not_covered(desk) == [NOT_COVERED]
    assert desk.failed_checks() == []
    desk.says("ap_clerk", "reject")
    desk.act()
    desk.night("night-3")
    assert desk.books.status("R-2") == ("matched", True, False)
    assert desk.proposed() == [Decimal("1200.00")]
    assert not_covered(desk) == []


def test_every_booked_credit_note_of_the_line_counts(desk: Desk) -> None:
    """Billed 100 of 90 received, then 10 credited: the invoice is covered though the credit note was booked after it."""
    desk.order()
    desk.books.receive("PO-1", 1, 90)
    desk.books.invoice("R-1", [("PO-1", 1, 100, 10)])
    desk.night()
    desk.books.credit_note("C-1", [("PO-1", 1, 9, 10)])
    desk.night("night-2")
    call_matched(desk, "R-1")
    assert Decimal("1200.00") not in desk.proposed()
    assert not_covered(desk) == [NOT_COVERED]
    desk.books.credit_note("C-2", [("PO-1", 1, 1, 10)])
    desk.night("night-3")
    call_matched(desk, "R-1")
    assert Decimal("1200.00") in desk.proposed()
    assert not_covered(desk) == []


def test_a_credit_note_needs_no_receipt(desk: Desk) -> None:
    """Billed more than received and held; a credit note on the same line is in order and is set off."""
    desk.order()
    desk.books.receive("PO-1", 1, 50)
    desk.books.invoice("R-1", [("PO-1", 1, 100, 10)])
    desk.books.credit_note("C-1", [("PO-1", 1, 10, 10)])
    desk.night()
    assert desk.proposed() == [Decimal("-120.00")]


@pytest.mark.parametrize(
    ("limit", "covered"),
    [
        ("supplier_id = 'S1'", True),
        ("supplier_id = 'S9'", False),
        ("supplier_id = 'S1', effective_to = '2026-11-19'", False),
        ("supplier_id = 'S1', effective_from = '2026-11-21'", False),
        ("po_number = 'PO-1', po_line_key = '1'", True),
        ("po_number = 'PO-1', po_line_key = '2'", False),
        ("entity = '1000'", True),
        ("entity = '2000'", False),
        ("tolerance_set = 'other'", False),
    ],
)
def test_coverage_knows_the_limits_of_the_line(desk: Desk, limit: str, covered: bool) -> None:
    """Billed 109 of 100 ordered, received and with 10 % above it allowed somewhere."""
    desk.order()
    desk.books.receive("PO-1", 1, 109)
    desk.books.invoice("R-1", [("PO-1", 1, 109, 10)])
    desk.night()
    assert desk.proposed() == []
    desk.admin.execute(
        "INSERT INTO ledger.tolerance (tolerance_set, code, up_pct, up_abs, effective_from) VALUES ('new', 'QTY_ORD', 10, 9, '2000-01-01')"
    )
    desk.admin.execute(
        f"UPDATE ledger.tolerance SET tolerance_set = 'default', {limit} WHERE tolerance_set = 'new'"
        if "tolerance_set" not in limit
        else f"UPDATE ledger.tolerance SET {limit} WHERE tolerance_set = 'new'"
    )
    call_matched(desk, "R-1")
    assert bool(desk.proposed()) is covered
    assert not_covered(desk) == ([] if covered else [NOT_COVERED])


def test_a_release_covers_the_facts_it_was_given_for(desk: Desk) -> None:
    """The receiver accepts 100 billed of 90 received; then 40 go back: the old answer covers nothing."""
    desk.order()
    desk.books.receive("PO-1", 1, 90)
    desk.books.invoice("R-1", [("PO-1", 1, 100, 10)])
    desk.night()
    desk.says("receiver", "accept")
    desk.act()
    assert desk.proposed() == [Decimal("1200.00")]
    desk.books.receive("PO-1", 1, -40)
    desk.night("night-2")
    assert desk.proposed() == []
    call_matched(desk, "R-1")
    assert desk.proposed() == []
    assert not_covered(desk) == [NOT_COVERED]
