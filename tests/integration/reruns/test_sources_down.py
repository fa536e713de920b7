"""A source that is down delays what depends on it and asks nobody; the next night ends as if nothing had happened."""

from __future__ import annotations

import pytest
from tests.integration.reruns.works import (
    LATE,
    READING,
    Works,
    expect_same,
    expect_success,
    rows,
    run_all,
)
from tests.night import run_night

pytestmark = pytest.mark.integration

OPEN_CASES = "SELECT c.subject_key, c.role FROM review.\"case\" c WHERE c.state = 'open'"
TOUCHED_BY_NO_RECEIPT = """
SELECT e.business_key FROM ledger.journal_entry e JOIN purchasing.invoice i USING (invoice_id)
WHERE NOT EXISTS (SELECT FROM purchasing.invoice_line l JOIN purchasing.order_line o USING (order_line_id) WHERE l.invoice_id = i.invoice_id AND o.match_type = 3)
"""


@pytest.mark.parametrize("service", ["warehouse", "erp"])
def test_a_source_that_is_down_only_delays(works: Works, one_night: str, service: str) -> None:
    """No case because of it, everything else booked, and the next night ends as if nothing had happened."""
    with works.scratch(works.empty) as database, works.at(database):
        works.disturb(service, "down")
        try:
            results = run_night("first")
        finally:
            works.disturb(service, "none")
        failed = {task for task, result in results.items() if isinstance(result, BaseException)}
        down = {"warehouse": {"receipts"}, "erp": {"suppliers", "orders"}, "mailbox": {"invoices"}}[service]
        assert failed == {f"{verb}_{name}" for verb in ("ingest", "check") for name in down}
        undisturbed = rows(works, one_night, OPEN_CASES)
        assert rows(works, database, OPEN_CASES) <= undisturbed, (
            "a case that an undisturbed night would not have opened"
        )
        if service == "warehouse":
            without_receipts = rows(works, one_night, TOUCHED_BY_NO_RECEIPT)
            assert without_receipts
            assert rows(works, database, TOUCHED_BY_NO_RECEIPT) == without_receipts, (
                "not everything else was booked"
            )
            assert (
                works.one(
                    database, "SELECT count(*) FROM ledger.invoice_status WHERE state = 'waiting_source'"
                )
                > 0
            )
        assert (
            works.one(
                database,
                "SELECT count(*) FROM ledger.hold h JOIN ledger.hold_code c USING (code) WHERE c.depends_on = ANY (%s)",
                list(down),
            )
            == 0
        )
        expect_success(run_night("second"))
        expect_same(works.books(one_night), works.books(database), f"the night after {service} was down")


def test_a_master_record_that_is_refused_floods_nobody(works: Works, one_night: str) -> None:
    """The supplier list alone does not arrive on the first night: nobody is asked about unknown suppliers."""
    with works.scratch(works.empty) as database, works.at(database):
        run_all(("open_run", *[task_id for task_id in READING if "suppliers" not in task_id], *LATE), "first")
        assert rows(works, database, OPEN_CASES) <= rows(works, one_night, OPEN_CASES)
        expect_success(run_night("second"))
        expect_same(
            works.books(one_night), works.books(database), "the night after the suppliers were missing"
        )


ASKED_FOR_A_RECEIPT = """
SELECT c.subject_key FROM review."case" c JOIN review.case_item x USING (case_id) WHERE c.state = 'open' AND x.code = 'NO_RECEIPT' AND x.settled_at IS NULL
"""


def test_a_warehouse_that_is_down_when_the_waiting_days_end_asks_nobody(works: Works) -> None:
    """A week after the first night the receipts do not come: nobody is asked for one that may be there; later they are."""
    with works.scratch(works.empty) as database, works.at(database):
        expect_success(run_night("first"))
        asked = rows(works, database, ASKED_FOR_A_RECEIPT)
        with works.connect(database, "admin") as connection:
            connection.execute("UPDATE ops.simulated_clock SET business_date = business_date + 7")
        works.disturb("warehouse", "down")
        try:
            run_night("second")
        finally:
            works.disturb("warehouse", "none")
        assert rows(works, database, ASKED_FOR_A_RECEIPT) == asked
        expect_success(run_night("third"))
        assert rows(works, database, ASKED_FOR_A_RECEIPT) > asked
