"""
### Purpose
Do what must happen although no run is alive: book answers whose run was failed, cleared or deleted, look
after open cases (end claims and waits that lasted too long, remind, tell the next role, keep priorities),
and send waiting messages to suppliers.

### Inputs
Answered and open cases and the outbox in the ledger database.

### Controls
Each answer is booked once, whoever comes first; each level of a case's chain is taken once, and none
decides; each message carries an idempotency key.

### What people do
Nothing.

### If it fails
Nothing is lost: the next call, five minutes later, goes on.

### Owner
Accounts payable.
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.sdk import dag

from backoffice.operators.housekeeping import HousekeepingOperator
from backoffice.tags import Tag


@dag(
    dag_id="backoffice_housekeeping",
    schedule=timedelta(minutes=5),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "accounts-payable", "retries": 0},
    tags=[Tag.HOUSEKEEPING, Tag.TIER_2],
    doc_md=__doc__,
)
def backoffice_housekeeping() -> None:
    """Look after what no run looks after."""
    HousekeepingOperator(
        task_id="keep_house", processes=["invoice_reconciliation"], outbox_conn_id="backoffice_mailbox"
    )


backoffice_housekeeping()
