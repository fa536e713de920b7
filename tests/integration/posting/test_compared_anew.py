"""An answer changes what counts: what depends on it is compared again before it is paid."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from tests.answering import decide, open_cases
from tests.integration.posting.desk import Desk

pytestmark = pytest.mark.integration

OTHER_PAPER: dict[str, Any] = {"payee_iban": "DE2"}


def test_a_repeated_number_at_another_price_is_asked_about_twice(desk: Desk) -> None:
    """Not a duplicate, says the clerk; then the buyer is asked about the price, and nothing is proposed before."""
    desk.order(1, match_type=2)
    desk.order(2, match_type=2)
    desk.books.invoice("R-1", [("PO-1", 1, 10, 10)])
    desk.night()
    desk.books.invoice("R-1", [("PO-1", 2, 10, 20)], **OTHER_PAPER)
    desk.night("night-2")
    desk.says("ap_clerk", "accept")
    desk.act()
    assert desk.rows(
        "SELECT e.person_id FROM ledger.journal_entry e JOIN purchasing.invoice i USING (invoice_id) WHERE i.payee_iban = 'DE2'"
    ) == [("p-clerk",)]
    assert desk.proposed() == [Decimal("120.00")]
    desk.night("night-3")
    assert desk.cases()[-1] == ("buyer", "open")
    assert desk.proposed() == [Decimal("120.00")]
    desk.says("buyer", "accept")
    desk.act()
    assert desk.proposed() == [Decimal("120.00"), Decimal("240.00")]


def test_a_repeated_number_that_is_in_order_is_paid_after_the_next_match(desk: Desk) -> None:
    desk.order(1, match_type=2)
    desk.books.invoice("R-1", [("PO-1", 1, 10, 10)])
    desk.night()
    desk.books.invoice("R-1", [("PO-1", 1, 10, 10)], **OTHER_PAPER)
    desk.night("night-2")
    desk.says("ap_clerk", "accept")
    desk.act()
    assert desk.proposed() == [Decimal("120.00")]
    desk.night("night-3")
    assert desk.proposed() == [Decimal("120.00"), Decimal("120.00")]
    assert desk.failed_checks() == []


def test_what_was_not_compared_while_it_was_a_repetition_parks_it(desk: Desk) -> None:
    """A repeated invoice on a line that is bound to its receipt, and nothing came: accepted, not booked before it came."""
    desk.order(1, match_type=2)
    desk.order(2, gr_based=True)
    desk.books.invoice("R-1", [("PO-1", 1, 10, 10)])
    desk.night()
    desk.books.invoice("R-1", [("PO-1", 2, 10, 10)], **OTHER_PAPER)
    desk.night("night-2")
    desk.says("ap_clerk", "accept")
    desk.act()
    assert len(desk.rows("SELECT FROM ledger.journal_entry")) == 1
    desk.night("night-3")
    assert len(desk.rows("SELECT FROM ledger.journal_entry")) == 1
    desk.books.receive("PO-1", 2, 10)
    desk.night("night-4")
    assert desk.rows(
        "SELECT e.person_id FROM ledger.journal_entry e JOIN purchasing.invoice i USING (invoice_id) WHERE i.payee_iban = 'DE2'"
    ) == [("p-clerk",)]
    assert desk.proposed() == [Decimal("120.00"), Decimal("120.00")]


def test_a_repeated_credit_note_above_what_was_billed_is_not_booked(desk: Desk) -> None:
    desk.order(1, match_type=2)
    desk.books.invoice("R-1", [("PO-1", 1, 10, 10)])
    desk.books.credit_note("C-1", [("PO-1", 1, 10, 10)])
    desk.night()
    desk.books.credit_note("C-1", [("PO-1", 1, 10, 10)], **OTHER_PAPER)
    desk.night("night-2")
    desk.says("ap_clerk", "accept")
    desk.act()
    desk.night("night-3")
    assert desk.rows("SELECT code FROM ledger.hold WHERE released_at IS NULL") == [("CREDIT_EXCESS",)]
    assert len(desk.rows("SELECT FROM ledger.journal_entry")) == 2


def test_a_credit_is_judged_again_when_its_invoice_was_accepted(desk: Desk) -> None:
    """Credited before the invoice could be booked: in excess, until the receiver accepts the invoice."""
    desk.order(1, gr_based=True)
    desk.books.invoice("R-1", [("PO-1", 1, 10, 10)], due_date="2026-11-21")
    desk.books.credit_note("C-1", [("PO-1", 1, 4, 10)])
    desk.night()
    assert desk.books.codes("C-1") == {"1": ["CREDIT_EXCESS"]}
    desk.says("receiver", "accept")
    desk.act()
    desk.night("night-2")
    assert desk.books.codes("C-1") == {}
    assert desk.books.status("C-1") == ("matched", True, False)


def test_a_repetition_is_free_when_the_first_is_rejected(desk: Desk) -> None:
    """They share no order line: the number alone connects them."""
    desk.order(1, match_type=2)
    desk.order(2, match_type=2)
    desk.books.invoice("R-1", [("PO-1", 1, 10, 20)])
    desk.night()
    desk.books.invoice("R-1", [("PO-1", 2, 10, 20)], **OTHER_PAPER)
    desk.books.order("PO-1", 2, 100, 20, version=2, match_type=2)
    desk.night("night-2")
    desk.says("buyer", "reject")
    desk.act()
    desk.night("night-3")
    assert desk.rows("SELECT code FROM ledger.hold WHERE released_at IS NULL") == []
    assert desk.proposed() == [Decimal("240.00")]


def test_who_accepts_what_blocks_only_payment_frees_at_once(desk: Desk) -> None:
    desk.order(1, match_type=2)
    desk.books.invoice("R-1", [("PO-1", 1, 10, 20)])
    desk.night()
    desk.says("buyer", "accept")
    desk.act()
    assert desk.proposed() == [Decimal("240.00")]


def test_a_void_answer_brings_the_case_up_to_date_at_once(desk: Desk) -> None:
    """The order changed between the answer and its booking: the same evening the buyer sees the new facts and answers them."""
    desk.order(1, match_type=2)
    desk.books.invoice("R-1", [("PO-1", 1, 10, 20)])
    desk.night()
    desk.says("buyer", "accept")
    desk.order(1, 11, match_type=2, version=2)
    desk.night("night-2")
    assert desk.act() == {"booked": 0, "stale": 1}
    assert (
        desk.one("SELECT handover -> 'holds' -> 0 -> 'facts' ->> 'order_price' FROM review.\"case\"") == "11"
    )
    case = open_cases(desk.web)[0]
    decide(desk.web, case, "buyer", "accept", key="looked again")
    assert desk.act() == {"booked": 1, "stale": 0}
    assert desk.proposed() == [Decimal("240.00")]
