"""Wire a reconciliation Dag: ingest, check, match, decide, post, hand over, seal, report, wait, act."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import Param, TriggerRule, chain

from backoffice.assets import AUDIT_LOG, JOURNAL, PAYMENT_PROPOSALS, REVIEW_CASES
from backoffice.operators.decide import DecideInvoicesOperator
from backoffice.operators.ingest import IngestInvoicesOperator, IngestRecordsOperator
from backoffice.operators.ingest_extract import IngestExtractOperator
from backoffice.operators.ingest_folder import IngestFolderOperator
from backoffice.operators.quality_gate import QualityGateOperator
from backoffice.operators.reconcile import (
    AcceptDocumentsOperator,
    ActOnAnswersOperator,
    MatchInvoicesOperator,
    OpenCasesOperator,
    OpenRunOperator,
    PostEntriesOperator,
)
from backoffice.operators.report import ReportOperator
from backoffice.operators.retries import RETRIES
from backoffice.operators.seal import SealAuditLogOperator
from backoffice.processes.invoice_reconciliation.config import (
    PROCESS,
    ExtractSource,
    FolderSource,
    Reconciliation,
    Source,
)
from backoffice.sensors.review import ReviewSensor

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator

SUITES = {"invoices": ["invoices", "invoice_lines", "invoice_taxes"]}

DEFAULT_ARGS: dict[str, Any] = {"owner": "accounts-payable", **RETRIES}


_LIMITS = "It limits the reading: what is on record and waits is matched, decided and booked for all."


def run_params() -> dict[str, Param]:
    """Return the typed form of a manual run."""
    day: dict[str, Any] = {"type": ["null", "string"], "format": "date"}
    key: dict[str, Any] = {"type": ["null", "string"], "maxLength": 60}
    return {
        "period_from": Param(
            None,
            **day,
            title="Read again from",
            description="First day of source documents to read again. It never changes a posting date "
            "nor decides a posted invoice anew, and a part of a source does not stand for all of it.",
        ),
        "period_until": Param(
            None, **day, title="Read again until", description="Last day of that period, included."
        ),
        "entity": Param(
            None,
            **key,
            title="Entity",
            description=f"Read only this company code from the sources. {_LIMITS}",
        ),
        "supplier": Param(
            None,
            **key,
            title="Supplier",
            description=f"Read only this supplier number from the sources. {_LIMITS}",
        ),
        "dry_run": Param(
            False, type="boolean", title="Dry run", description="Book nothing; report what would happen."
        ),
        "tolerance_profile": Param(
            None,
            **key,
            title="Tolerance profile",
            description="Another set of tolerances; only together with a dry run.",
        ),
    }


def build_tasks(config: Reconciliation) -> None:
    """Create and wire the tasks in the current Dag."""
    common: dict[str, Any] = {"process": PROCESS, "ledger_conn_id": config.ledger_conn_id}
    opened = OpenRunOperator(
        task_id="open_run", sources=config.expected, synthetic=config.synthetic, **common
    )
    # a dataset that could not be read or judged is left out, the rest of the night goes on; without a
    # run nothing does
    accepted = AcceptDocumentsOperator(
        task_id="accept_documents", trigger_rule=TriggerRule.ALL_DONE_MIN_ONE_SUCCESS, **common
    )
    chain(opened, accepted)
    for source in config.sources:
        checks = [_check(dataset, config) for dataset in source.datasets]
        chain(opened, _ingest(source, config), checks, accepted)
    matched = MatchInvoicesOperator(task_id="match_invoices", **common)
    decided = DecideInvoicesOperator(task_id="decide_invoices", **common)
    posted = PostEntriesOperator(task_id="post_entries", outlets=[JOURNAL, PAYMENT_PROPOSALS], **common)
    cases = OpenCasesOperator(task_id="open_cases", outlets=[REVIEW_CASES], **common)
    sealed = SealAuditLogOperator(task_id="seal_audit_log", outlets=[AUDIT_LOG], **common)
    # a dry run skips the steps before; the report then rehearses them
    reported = ReportOperator(task_id="report", trigger_rule=TriggerRule.NONE_FAILED, **common)
    waited = ReviewSensor(
        task_id="wait_for_reviews", review_window=config.review_window, until=config.review_until, **common
    )
    answered = ActOnAnswersOperator(task_id="act_on_answers", **common)
    chain(accepted, matched, decided, posted, cases, sealed, reported, waited, answered)


def _ingest(source: Source, config: Reconciliation) -> BaseOperator:
    """Return the task that reads the source, by the kind of source."""
    common: dict[str, Any] = {
        "task_id": f"ingest_{'_'.join(source.datasets)}",
        "source": source.name,
        "ledger_conn_id": config.ledger_conn_id,
        "process": PROCESS,
    }
    if isinstance(source, ExtractSource):
        return IngestExtractOperator(profile=source.profile, folder=source.folder, **common)
    if isinstance(source, FolderSource):
        return IngestFolderOperator(
            folder=source.folder, entity=source.entity, pattern=source.pattern, **common
        )
    common |= {"endpoint": source.endpoint, "http_conn_id": source.http_conn_id}
    if source.dataset == "invoices":
        return IngestInvoicesOperator(**common)
    return IngestRecordsOperator(dataset=source.dataset, **common)  # type: ignore[arg-type]


def _check(dataset: str, config: Reconciliation) -> BaseOperator:
    return QualityGateOperator(
        task_id=f"check_{dataset}",
        dataset=dataset,
        suites=SUITES.get(dataset, [dataset]),
        ledger_conn_id=config.ledger_conn_id,
    )
