"""The entries and holds of accounts-payable 5B to 5D on a real Postgres, through the act functions."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tests.books import Books

pytestmark = pytest.mark.integration


@pytest.fixture
def books(ledger):
    with ledger.connect("app") as connection:
        yield Books(connection).open_run()


def journal(books, number=None):
    return {(event, account): amount for event, account, amount in books.entries(number)}


def test_matched_invoice_is_booked_and_proposed(books):
    """GR 90, invoice 90 at 10: GR/IR is zero, payable 1080."""
    books.supplier()
    books.order("PO-1", 1, 100, 10)
    books.receive("PO-1", 1, 90)
    books.invoice("R-1", [("PO-1", 1, 90, 10)])
    books.night()
    assert books.codes("R-1") == {}
    assert books.status("R-1") == ("matched", True, False)
    assert journal(books) == {
        ("goods_receipt", "Inventory"): Decimal("900.00"),
        ("goods_receipt", "Goods received / invoices received (GR/IR)"): Decimal("-900.00"),
        ("invoice", "Goods received / invoices received (GR/IR)"): Decimal("900.00"),
        ("invoice", "Input VAT"): Decimal("180.00"),
        ("invoice", "Accounts payable"): Decimal("-1080.00"),
    }
    assert books.connection.execute(
        "SELECT amount, currency, state FROM ledger.payment_proposal"
    ).fetchall() == [(Decimal("1080.00"), "EUR", "proposed")]


def test_price_variance_is_booked_and_blocked(books):
    """Invoice 90 at 11 for an order at 10: 90 price variance, payment blocked, a case for the buyer."""
    books.supplier()
    books.order("PO-1", 1, 100, 10)
    books.receive("PO-1", 1, 90)
    books.invoice("R-1", [("PO-1", 1, 90, 11)])
    books.night()
    assert books.codes("R-1") == {"1": ["PRICE"]}
    assert books.status("R-1") == ("held", True, True)
    assert journal(books, "R-1") == {
        ("invoice", "Goods received / invoices received (GR/IR)"): Decimal("900.00"),
        ("invoice", "Purchase price variance"): Decimal("90.00"),
        ("invoice", "Input VAT"): Decimal("198.00"),
        ("invoice", "Accounts payable"): Decimal("-1188.00"),
    }
    assert books.connection.execute("SELECT role, state FROM review.case").fetchall() == [("buyer", "open")]
    assert books.connection.execute("SELECT count(*) FROM ledger.payment_proposal").fetchone() == (0,)


def test_late_receipt_clears_the_hold_by_itself(books):
    """Billed 100, received 90: QTY_REC blocks; the missing 10 arrive next night and free it, GR/IR is zero."""
    books.supplier()
    books.order("PO-1", 1, 100, 10)
    books.receive("PO-1", 1, 90)
    books.invoice("R-1", [("PO-1", 1, 100, 10)])
    books.night()
    assert books.codes("R-1") == {"1": ["QTY_REC"]}
    assert books.status("R-1") == ("held", True, True)
    books.open_run("night-2")
    books.receive("PO-1", 1, 10)
    books.night()
    assert books.codes("R-1") == {}
    assert books.status("R-1") == ("matched", True, False)
    balance = books.connection.execute(
        "SELECT sum(debit - credit) FROM ledger.journal_line WHERE account = '1590'"
    ).fetchone()
    assert balance == (Decimal("0.00"),)
    assert books.connection.execute("SELECT state FROM review.case").fetchall() == [("superseded",)]
    assert books.connection.execute(
        "SELECT count(*) FROM ledger.payment_proposal WHERE state = 'proposed'"
    ).fetchone() == (1,)


@pytest.mark.parametrize("gr_based", [False, True])
def test_nothing_received_waits_without_a_case(books, gr_based):
    """NO_RECEIPT is booked and blocked, on GR-based lines parked; within the waiting days nobody is asked."""
    books.supplier()
    books.order("PO-1", 1, 100, 10, gr_based=gr_based)
    books.invoice("R-1", [("PO-1", 1, 100, 10)])
    books.connection.commit()
    books.night()
    assert books.codes("R-1") == {"1": ["NO_RECEIPT"]}
    assert books.status("R-1") == ("waiting_receipt", not gr_based, None if gr_based else True)
    assert books.connection.execute("SELECT count(*) FROM review.case").fetchone() == (0,)
    books.open_run("night-2")
    books.receive("PO-1", 1, 100)
    books.night()
    assert books.status("R-1") == ("matched", True, False)


def test_duplicate_is_parked(books):
    """The same number with the same amount is DUP_EXACT: parked, nothing booked, a case for accounts payable."""
    books.supplier()
    books.order("PO-1", 1, 100, 10, match_type=2)
    books.order("PO-1", 2, 100, 10, match_type=2)
    books.invoice("RE-00123", [("PO-1", 1, 10, 10)])
    books.invoice("re123", [("PO-1", 2, 10, 10)], payee_iban="DE1")
    books.night()
    states = dict(
        books.connection.execute(
            "SELECT i.invoice_number, st.booking_no IS NOT NULL FROM ledger.invoice_status st JOIN purchasing.invoice i USING (invoice_id)"
        ).fetchall()
    )
    assert states == {"RE-00123": True, "re123": True}
    exact = books.connection.execute("SELECT count(*) FROM ledger.hold WHERE code = 'DUP_EXACT'").fetchone()
    assert exact == (0,)  # RE123 and 123 are different numbers; only leading zeros of the whole number fall
    books.open_run("night-2")
    books.invoice("RE-00123 ", [("PO-1", 2, 10, 10)], payee_iban="DE2")
    books.night()
    assert books.codes("RE-00123 ") == {"": ["DUP_EXACT"]}
    assert books.status("RE-00123 ") == ("held", False, None)
    assert books.connection.execute("SELECT role, state FROM review.case").fetchall() == [
        ("ap_clerk", "open")
    ]


def test_rerun_changes_nothing(books):
    """A night run twice leaves the same books."""
    books.supplier()
    books.order("PO-1", 1, 100, 10)
    books.receive("PO-1", 1, 90)
    books.invoice("R-1", [("PO-1", 1, 100, "10.21")])
    books.night()
    before = (
        books.connection.execute("SELECT count(*) FROM ledger.journal_line").fetchone(),
        books.codes("R-1"),
        books.connection.execute("SELECT count(*) FROM audit.record").fetchone(),
    )
    books.night()
    after = (
        books.connection.execute("SELECT count(*) FROM ledger.journal_line").fetchone(),
        books.codes("R-1"),
        books.connection.execute("SELECT count(*) FROM audit.record").fetchone(),
    )
    assert before == after


def test_source_down_waits_for_source(books):
    """With the warehouse down an uncovered line waits for the source: no hold, no case, no booking; the next night is as if nothing had happened."""
    books.sources = [{"source": "books", "dataset": "receipts"}]
    books.open_run("night-down")
    books.supplier()
    books.order("PO-1", 1, 100, 10)
    books.order("PO-2", 1, 100, 10, match_type=2)
    books.invoice("R-1", [("PO-1", 1, 100, 10)])
    books.invoice("R-2", [("PO-2", 1, 100, 10)])
    books.night()
    assert books.codes("R-1") == {}
    assert books.status("R-1") == ("waiting_source", False, None)
    assert books.status("R-2") == ("matched", True, False)
    assert books.connection.execute("SELECT count(*) FROM review.case").fetchone() == (0,)
    books.open_run("night-up")
    books.receive("PO-1", 1, 100)
    books.night()
    assert books.status("R-1") == ("matched", True, False)
