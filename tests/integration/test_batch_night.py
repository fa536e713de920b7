"""A night of the real Dag with a rule for batches: the sensor waits for the signature, and what was signed is booked once."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from tests.answering import action_for, decide, open_cases
from tests.conftest import Ledger
from tests.night import run_night, run_task, tasks

from backoffice.operators.housekeeping import HousekeepingOperator
from backoffice.processes.invoice_reconciliation import Reconciliation
from backoffice.sensors.review import ReviewSensor

pytestmark = pytest.mark.integration


def value(ledger: Ledger, query: str) -> Any:
    with ledger.connect("auditor") as connection:
        row = connection.execute(query).fetchone()  # type: ignore[arg-type]
    assert row is not None
    return row[0]


BOOKED = "SELECT count(*) FROM ledger.journal_entry WHERE event IN ('invoice', 'credit_note')"


@pytest.mark.parametrize("booked_by", ["act_on_answers", "housekeeping"])
def test_the_sensor_waits_for_the_signature(
    ledger: Ledger, company: Callable[..., Any], booked_by: str
) -> None:
    company(11, 60, "clean")
    with ledger.connect("admin") as admin:
        admin.execute(
            "INSERT INTO review.batch_rule (item_kind, amount_above, currency, role) VALUES ('posting', 100, 'EUR', 'controller')"
        )
        admin.execute(
            "INSERT INTO review.authority (person_id, role, amount_limit, currency) VALUES ('p-manager', 'controller', 99999999, 'EUR')"
        )
    results = run_night("night")
    assert not [result for result in results.values() if isinstance(result, BaseException)], results
    assert value(ledger, BOOKED) == 0
    assert results["report"]

    sensor = ReviewSensor(
        task_id="wait_for_reviews", process="invoice_reconciliation", ledger_conn_id="backoffice_ledger", deferrable=False, poke_interval=0.05,
    )  # fmt: skip
    context: Any = {"ti": SimpleNamespace(dag_id="invoice_reconciliation", run_id="night")}
    assert not sensor.poke(context), "the batch is a case that this run opened"
    with ledger.connect("web", autocommit=True) as web:
        cases = open_cases(web)
        [batch] = [case for case in cases if case["subject_kind"] == "batch_signoff"]
        decide(web, batch, "manager", "accept", code="totals_checked")
        for case in cases:
            if case["subject_kind"] != "batch_signoff":
                decide(web, case, "manager", action_for(case))
    assert sensor.poke(context)
    assert sensor.execute(context)["status"] == "settled"

    if booked_by == "act_on_answers":
        [task] = [task for task in tasks(Reconciliation(synthetic=True)) if task.task_id == "act_on_answers"]
        told = run_task(task, "night")
        dag_id = "invoice_reconciliation"
    else:
        dag_id = "backoffice_housekeeping"
        task = HousekeepingOperator(
            task_id="keep", processes=["invoice_reconciliation"], outbox_conn_id="backoffice_mailbox"
        )
        told = run_task(task, "keep 1", dag_id=dag_id)
    assert told["booked"] >= 1, told
    # what somebody rejected as a case of its own is not booked, nor what other answers let be compared anew
    asked = value(
        ledger,
        "SELECT count(*) FROM review.batch_item x JOIN ledger.invoice_status st ON st.invoice_id = x.subject_id "
        "WHERE x.state = 'signed' AND st.state <> 'rejected' AND NOT EXISTS (SELECT FROM ledger.match_queue q WHERE q.invoice_id = x.subject_id)",
    )
    assert asked > 10
    assert value(ledger, BOOKED) == asked
    run_task(task, "night" if booked_by == "act_on_answers" else "keep 2", dag_id=dag_id)
    assert value(ledger, BOOKED) == asked, "once, whoever comes again"
    again = run_night("next night")
    assert not [result for result in again.values() if isinstance(result, BaseException)], again
    assert (
        value(
            ledger,
            f"{BOOKED} AND invoice_id IN (SELECT subject_id FROM review.batch_item WHERE state = 'signed')",
        )
        >= asked
    )
    assert (
        value(
            ledger,
            "SELECT count(*) FROM (SELECT FROM ledger.journal_entry WHERE event = 'invoice' GROUP BY invoice_id HAVING count(*) > 1) x",
        )
        == 0
    )
