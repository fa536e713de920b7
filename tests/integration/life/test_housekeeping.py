"""The housekeeping's own task on open cases: what is due is done in its run, and an idle call opens none."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.integration.conftest import product_environment
from tests.integration.life.desk import Desk

from backoffice.operators.housekeeping import HousekeepingOperator

pytestmark = pytest.mark.integration
PROCESS = "invoice_reconciliation"


def keep_house(desk: Desk, folder: Path, run: str) -> dict[str, int]:
    context: Any = {"dag_run": SimpleNamespace(dag_id="backoffice_housekeeping", run_id=run), "params": {}}
    task = HousekeepingOperator(
        task_id="keep_house", processes=[PROCESS], outbox_conn_id="backoffice_mailbox"
    )
    with product_environment(desk.ledger, folder):
        return task.execute(context)


def runs(desk: Desk) -> list[str]:
    return [
        name
        for (name,) in desk.admin(
            "SELECT airflow_run_id FROM ops.run WHERE dag_id = 'backoffice_housekeeping' ORDER BY run_id"
        )
    ]


IDLE = {"booked": 0, "sent": 0, "notices": 0, "alarms": 0}


def test_what_is_due_is_done_once_and_an_idle_call_opens_no_run(desk: Desk, tmp_path: Path) -> None:
    desk.act("claim", desk.books.duplicate, "clerk")
    assert keep_house(desk, tmp_path, "one") == {
        "booked": 0, "expired": 0, "resumed": 0, "reminded": 0, "escalated": 0, "prioritised": 2, "sent": 0,
        "notices": 0, "alarms": 0,
    }  # fmt: skip
    assert keep_house(desk, tmp_path, "two") == IDLE
    desk.later(25)
    third = keep_house(desk, tmp_path, "three")
    assert (third["expired"], third["reminded"], third["escalated"]) == (1, 6, 0)
    assert keep_house(desk, tmp_path, "three") == IDLE, "the same call again"
    assert runs(desk) == ["one", "three"]
    assert desk.one(
        "SELECT count(*) FROM review.case_step s JOIN ops.run r USING (run_id) WHERE r.airflow_run_id = 'three'"
    ) == 7  # fmt: skip


def test_an_answer_is_booked_and_never_made(desk: Desk, tmp_path: Path) -> None:
    desk.later(200)
    for call in range(4):
        keep_house(desk, tmp_path, f"call-{call}")
    assert desk.one("SELECT count(*) FROM review.answer") == 0
    assert desk.one("SELECT count(*) FROM review.case WHERE state = 'open'") == 6
    assert desk.one("SELECT count(*) FROM ledger.journal_entry") == 0
