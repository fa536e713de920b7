"""Accounts payable is what the document says is due; what its net and tax differ from that has a line of its own."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tests.integration.posting.desk import Desk

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("kind", ["invoice", "credit_note"])
@pytest.mark.parametrize("off", ["0.01", "-0.01", "0.05"])
def test_a_small_difference_within_its_limit_is_booked_and_paid(desk: Desk, off: str, kind: str) -> None:
    desk.admin.execute("UPDATE ledger.tolerance SET up_abs = 0.05 WHERE code = 'TOTAL_ARITH'")
    desk.order(match_type=2)
    if kind == "credit_note":
        desk.books.invoice("R-0", [("PO-1", 1, 10, 10)])
    due = Decimal("120.00") + Decimal(off)
    desk.books.invoice("R-1", [("PO-1", 1, 10, 10)], kind=kind, payable_total=due)
    desk.night()
    sign = 1 if kind == "invoice" else -1
    entry = {account: amount for _, account, amount in desk.books.entries("R-1")}
    assert entry["Accounts payable"] == -sign * due
    assert entry["Small differences"] == sign * Decimal(off)
    assert sign * due in desk.proposed()
    assert desk.failed_checks() == []


def test_no_line_without_a_difference(desk: Desk) -> None:
    desk.order(match_type=2)
    desk.books.invoice("R-1", [("PO-1", 1, 10, 10)])
    desk.night()
    assert "Small differences" not in {account for _, account, _ in desk.books.entries("R-1")}
