"""What cannot be booked now is neither lost nor half booked, holds up nobody else, and is named."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import psycopg
import pytest
from tests.integration.posting.desk import GR_IR, Desk

pytestmark = pytest.mark.integration

OPEN_PERIOD = "every company code with something to book has an open fiscal period"


def two_companies(desk: Desk, periods: str) -> None:
    """A second company code without an open period: without any, or with closed ones only."""
    desk.admin.execute(
        "INSERT INTO ops.entity (entity, name, ledger_currency) VALUES ('2000', 'Second', 'EUR')"
    )
    if periods == "closed":
        desk.admin.execute(
            "INSERT INTO ledger.fiscal_period VALUES ('2000', '2026-11', '2026-11-01', '2026-11-30', 'closed')"
        )
    for entity in ("1000", "2000"):
        desk.order(entity=entity)
        desk.books.receive("PO-1", 1, 10, f"GR-{entity}", entity=entity)
        desk.books.invoice(f"R-{entity}", [("PO-1", 1, 10, 10)], entity=entity)


def position(desk: Desk) -> list[tuple[Any, ...]]:
    return desk.rows(
        "SELECT o.entity, g.received_quantity, g.received_value, g.billed_quantity, g.billed_value FROM ledger.gr_ir g "
        "JOIN purchasing.order_line o USING (order_line_id) WHERE (g.received_quantity, g.billed_quantity) <> (0, 0) ORDER BY 1"
    )


@pytest.mark.parametrize("periods", ["none", "closed"])
def test_a_company_without_an_open_period_loses_nothing_and_holds_up_nobody(desk: Desk, periods: str) -> None:
    two_companies(desk, periods)
    desk.night()
    cleared = (Decimal(10), Decimal("100.00"), Decimal(10), Decimal("100.00"))
    assert position(desk) == [("1000", *cleared)]
    assert desk.books.status("R-1000") == ("matched", True, False)
    assert desk.books.status("R-2000") == ("matched", False, None)
    assert desk.one("SELECT count(*) FROM ledger.receipt_queue") == 1
    assert desk.failed_checks() == [OPEN_PERIOD]
    assert {(item["what"], item["reason"]) for item in desk.report()["left_undone"]} == {
        ("received, not booked", "company code 2000 has no open fiscal period"),
        ("approved, not booked", "company code 2000 has no open fiscal period"),
    }
    desk.admin.execute("DELETE FROM ledger.fiscal_period WHERE entity = '2000'")
    desk.admin.execute(
        "INSERT INTO ledger.fiscal_period VALUES ('2000', '2026-11', '2026-11-01', '2026-11-30', 'open')"
    )
    desk.night("night-2")
    assert position(desk) == [("1000", *cleared), ("2000", *cleared)]
    assert desk.failed_checks() == []
    assert desk.report()["left_undone"] == []


def test_answers_wait_for_an_open_period(desk: Desk) -> None:
    """Books are closed between a booking and its rejection: the refusal waits, others are booked, then it is reversed."""
    for line in (1, 2):
        desk.order(line, match_type=2)
    desk.books.invoice("R-1", [("PO-1", 1, 10, 20)])
    desk.night()
    desk.says("buyer", "reject")
    desk.admin.execute("UPDATE ledger.fiscal_period SET state = 'closed'")
    assert desk.act() == {"booked": 0, "stale": 0}
    assert desk.cases() == [("buyer", "decided")]
    assert desk.failed_checks() == [OPEN_PERIOD]
    desk.admin.execute("UPDATE ledger.fiscal_period SET state = 'open'")
    assert desk.act() == {"booked": 1, "stale": 0}
    assert desk.balance("Accounts payable") == 0
    assert desk.failed_checks() == []


def test_overlapping_periods_book_once_into_the_open_one(desk: Desk) -> None:
    desk.admin.execute(
        "INSERT INTO ledger.fiscal_period VALUES ('1000', 'year', '2026-01-01', '2026-12-31', 'closed')"
    )
    desk.order()
    desk.books.receive("PO-1", 1, 10)
    desk.night()
    assert desk.rows("SELECT period FROM ledger.journal_entry") == [("2026-11",)]


def test_a_receipt_in_a_foreign_currency_waits_for_a_rate(desk: Desk) -> None:
    desk.order(1, currency="USD")
    desk.order(2)
    desk.books.receive("PO-1", 1, 100)
    desk.books.receive("PO-1", 2, 1)
    desk.night()
    assert desk.balance("Inventory") == Decimal("10.00")
    assert desk.report()["left_undone"] == [
        {"what": "received, not booked", "reason": "waits for an exchange rate from USD to EUR", "count": 1, "amount": None, "currency": None}
    ]  # fmt: skip
    assert desk.failed_checks() == []
    desk.order(1, currency="EUR", version=2)
    desk.night("night-2")
    assert desk.balance("Inventory") == Decimal("1010.00")
    assert desk.report()["left_undone"] == []


@pytest.mark.parametrize(("entity", "named"), [("*", "inventory"), ("*", "accounts_payable")])
def test_a_missing_account_is_named(desk: Desk, entity: str, named: str) -> None:
    desk.admin.execute("DELETE FROM ledger.account_role WHERE entity = %s AND role = %s", (entity, named))
    desk.order()
    desk.books.receive("PO-1", 1, 10)
    desk.books.invoice("R-1", [("PO-1", 1, 10, 10)])
    with pytest.raises(
        psycopg.Error, match=f"role {named} of company code 1000.*ledger.account_role"
    ) as refusal:
        desk.night()
    assert refusal.value.sqlstate == "BO422"


def test_an_account_named_twice_for_a_role_counts_once(desk: Desk) -> None:
    """A company code that names the shared account as its own: checks tie, and a reversal takes off what was booked."""
    desk.admin.execute(
        "INSERT INTO ledger.account_role (entity, role, account) SELECT '1000', role, account FROM ledger.account_role"
    )
    desk.order()
    desk.books.receive("PO-1", 1, 10)
    desk.books.invoice("R-1", [("PO-1", 1, 10, 20)])
    desk.night()
    assert desk.failed_checks() == []
    desk.says("buyer", "reject")
    desk.act()
    assert position(desk) == [("1000", Decimal(10), Decimal("100.00"), Decimal(0), Decimal("0.00"))]
    assert desk.balance(GR_IR) == Decimal("-100.00")
    assert desk.failed_checks() == []
