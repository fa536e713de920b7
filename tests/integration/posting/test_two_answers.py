"""Two people answer two cases of one invoice: whatever they say and whenever it is booked, one refusal refuses it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tests.integration.posting.desk import GR_IR, Desk

pytestmark = pytest.mark.integration


def two_cases(desk: Desk) -> None:
    """An invoice that nobody received and that bills more than the order's price, on a line that is bound to its receipt."""
    desk.order(gr_based=True)
    desk.books.invoice("R-1", [("PO-1", 1, 10, 20)], due_date="2026-11-21")
    desk.night()
    assert desk.books.codes("R-1") == {"1": ["NO_RECEIPT", "PRICE"]}
    assert sorted(desk.cases()) == [("buyer", "open"), ("receiver", "open")]


@pytest.mark.parametrize("batches", ["one batch", "two batches of one run", "two runs"])
@pytest.mark.parametrize(
    "answers", [("accept", "accept"), ("accept", "reject"), ("reject", "accept"), ("reject", "reject")]
)
@pytest.mark.parametrize("first", ["receiver", "buyer"])
def test_an_invoice_is_booked_and_paid_only_if_both_accept(
    desk: Desk, first: str, answers: tuple[str, str], batches: str
) -> None:
    two_cases(desk)
    desk.says(first, answers[0])
    if batches != "one batch":
        desk.act()
    if batches == "two runs":
        desk.books.open_run("night-2")
    second = "buyer" if first == "receiver" else "receiver"
    if batches == "one batch" or answers[0] == "accept":
        desk.says(second, answers[1])
    desk.act()
    desk.night("night-3")
    refused = "reject" in answers
    assert desk.books.status("R-1")[0] == ("rejected" if refused else "matched")
    assert desk.proposed() == ([] if refused else [Decimal("240.00")])
    assert desk.balance("Accounts payable") == (0 if refused else Decimal("-240.00"))
    assert desk.balance(GR_IR) == (0 if refused else Decimal("100.00"))
    assert desk.failed_checks() == []


def test_of_two_answers_in_one_batch_the_accepted_one_frees_no_line(desk: Desk) -> None:
    two_cases(desk)
    desk.says("receiver", "accept")
    desk.says("buyer", "reject")
    desk.act()
    assert desk.rows("SELECT state FROM ledger.line_state") == [("held",)]
    assert desk.rows("SELECT event FROM ledger.journal_entry") == []
