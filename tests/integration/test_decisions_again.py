"""Five hundred decisions of two nights and two policy versions, performed again after everything changed: the same bytes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.integration.conftest import ANCHOR
from tests.night import run_night

from backoffice.governance.replay import Replay

pytestmark = pytest.mark.integration


def test_five_hundred_decisions_give_the_same_bytes(company: Any, ledger: Any, business_day: Any) -> None:
    company(11, 500, "realistic")
    run_night("first")
    with ledger.connect("admin") as admin:
        admin.execute(
            "SELECT ledger.activate_policy(replace(replace(replace(replace(content, 'version: 3', 'version: 4'), "
            "'business_days_waited: \"> 3\"', 'business_days_waited: \"> 2\"'), 'why: No receipt after', 'why: Still no receipt after'), "
            "'business_days_waited: 3,', 'business_days_waited: 2,'), 'test') "
            "FROM ledger.active_policy WHERE policy_id = 'approve_invoice'"
        )
        # another version decides everything again that is still open, also what was approved and is not paid
        admin.execute("UPDATE ledger.invoice_status SET payment_block = true WHERE booking_no IS NOT NULL")
    business_day(ANCHOR + timedelta(days=3))
    run_night("second")
    with ledger.connect("admin") as admin:
        admin.execute("UPDATE ledger.tolerance SET up_abs = 0, up_pct = 0")
        admin.execute("UPDATE purchasing.order_line SET unit_price = unit_price * 2, closed = true")
        admin.execute("UPDATE purchasing.supplier SET name = 'Another', blocked = true")
        admin.execute("UPDATE ledger.invoice_status SET state = 'held' WHERE state = 'matched'")
        admin.execute("UPDATE ops.simulated_clock SET business_date = business_date + 300")
        admin.execute("UPDATE ops.installed_text SET sha256 = repeat('0', 64)")
    with ledger.connect("auditor") as connection:
        decisions = [
            row[0]
            for row in connection.execute(
                "SELECT decision_id FROM ledger.decision WHERE maker = 'machine' ORDER BY decision_id"
            )
        ]
        found = list(Replay(connection).of_decisions(decisions))
    assert len(found) >= 500
    assert {one.policy for one in found} == {"approve_invoice@3", "approve_invoice@4"}
    assert {one.outcome for one in found} == {"approve", "wait", "review"}
    assert [one for one in found if not one.good] == []
