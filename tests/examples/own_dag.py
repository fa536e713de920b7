"""Reconcile a system's nightly export, at six on workdays; people have until the evening."""

from datetime import timedelta

from airflow.sdk import dag

from backoffice.processes.invoice_reconciliation import ExtractSource, Reconciliation, build_tasks, run_params
from backoffice.processes.invoice_reconciliation.build import DEFAULT_ARGS

EXPORT = ExtractSource(name="sap_export", folder="/srv/exports/sap", profile="sap_mm_amounts")


@dag(schedule="0 6 * * 1-5", catchup=False, max_active_runs=4, params=run_params(), default_args=DEFAULT_ARGS)
def reconcile_sap_export() -> None:
    """Read the export, check, match, decide, book, report, wait for people."""
    build_tasks(Reconciliation(sources=(EXPORT,), review_window=timedelta(hours=12)))


reconcile_sap_export()
