"""The last decision of a subject is looked up among its own, whatever the planner knows of the table."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("lookup", ["last_decision", "last_machine_decision"])
def test_a_lookup_goes_by_the_subject_and_never_by_the_primary_key(ledger: Any, lookup: str) -> None:
    with ledger.connect("admin") as connection:
        connection.execute("SET enable_seqscan = off")
        connection.execute("SET enable_bitmapscan = off")
        plan = "\n".join(
            row[0]
            for row in connection.execute(
                f"EXPLAIN SELECT d.outcome FROM unnest('{{1,2}}'::bigint[]) AS g(id) "
                f"JOIN LATERAL ledger.{lookup}('invoice_reconciliation', g.id) d ON true"
            )
        )
    assert "decision_by_subject" in plan
    assert "decision_pkey" not in plan
