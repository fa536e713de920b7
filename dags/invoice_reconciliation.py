"""
### Purpose
Reconcile supplier invoices with purchase orders and goods receipts every night: approve and book what agrees,
park or
block what does not, hand the doubtful rest to the right person, and book the answers.

### Inputs
Orders and suppliers from the ERP, receipts from the warehouse, e-invoices from the accounts-payable mailbox.

### Controls
Quality gates per dataset, control totals, three-way match within written tolerances, decision by the active
policy,
balanced append-only journal, no payment proposal without order, receipt and authority, an audit record for
every act.

### What people do
Decide the open cases under *Back office*. The run waits for the cases that it opened and books the answers;
what is
answered later is booked by the next run or by `backoffice_housekeeping`.

### If it fails
A source that is down only delays what depends on it. Any task may be cleared alone and in any order; nothing
is booked
twice. The `report` task fails when totals do not tie and says which.

### Owner
Accounts payable.
"""

from __future__ import annotations

from airflow.sdk import dag

from backoffice import settings
from backoffice.processes.invoice_reconciliation import Reconciliation, build_tasks, run_params
from backoffice.processes.invoice_reconciliation.build import DEFAULT_ARGS
from backoffice.tags import Tag


@dag(
    dag_id="invoice_reconciliation",
    schedule="0 2 * * 1-6",
    catchup=False,
    max_active_runs=8,
    params=run_params(),
    default_args=DEFAULT_ARGS,
    tags=[Tag.INVOICE_RECONCILIATION, Tag.THREE_WAY_MATCH, Tag.TIER_1],
    doc_md=__doc__,
)
def invoice_reconciliation() -> None:
    """Reconcile one night."""
    build_tasks(Reconciliation(synthetic=settings.sandbox()))


invoice_reconciliation()
