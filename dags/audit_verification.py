"""
### Purpose
Prove every day that the audit log is the one that was signed: nothing changed, deleted, moved, backdated or
cut off.

### Inputs
The audit log and the tables that it tells of, in the ledger database; the checkpoints that the sealer laid
down outside (`[backoffice] anchor_dir`).

### Controls
The named checks of `backoffice verify-audit`. The outcome is kept in the ledger; a failure is also an alert
in the log itself.

### What people do
Nothing while it is green. Compare now and then the checkpoint of a printed report with the one shown here.

### If it fails
Somebody or something changed the log, or no seal came. The task's last lines say which check failed, what
is wrong and where. Do not clear it away: follow `docs/how-to/when-verify-audit-fails.md`.

### Owner
Internal audit.
"""

from __future__ import annotations

import pendulum
from airflow.sdk import Param, dag

from backoffice.operators.retries import RETRIES
from backoffice.operators.verify_audit import VerifyAuditOperator
from backoffice.tags import Tag


@dag(
    dag_id="audit_verification",
    schedule="30 5 * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    params={
        "incremental": Param(False, type="boolean", description="read only what came since the last good one")
    },
    default_args={"owner": "internal-audit", **RETRIES},
    tags=[Tag.AUDIT, Tag.TAMPER_EVIDENCE, Tag.TIER_1],
    doc_md=__doc__,
)
def audit_verification() -> None:
    """Verify the log."""
    VerifyAuditOperator(task_id="verify_audit_log")


audit_verification()
