"""Report a run: totals that tie, or a failed task that says which do not."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import psycopg
from airflow.sdk import BaseOperator
from psycopg.types.json import Jsonb

from backoffice import settings
from backoffice.exceptions import ControlTotalsError
from backoffice.hooks.ledger import LedgerHook
from backoffice.operators import steps
from backoffice.operators.ledger_run import open_ledger_run
from backoffice.operators.ledger_step import translated
from backoffice.operators.report_file import report_folder, write_whole
from backoffice.operators.run_report import render_run_report

if TYPE_CHECKING:
    from pathlib import Path

    from airflow.sdk import Context


def shipped_policies() -> dict[str, str]:
    """Return the hash of each policy file by its name, which is the policy's id.

    A file that is not the active version is a draft. It is not loaded here: a broken draft stops no night.
    """
    files = (settings.include_dir() / "policies").glob("*/*.yaml")
    return {path.stem: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


class ReportOperator(BaseOperator):
    """Write the run's report to the ledger and to a file, and check every invariant that a run can check.

    Reads the ledger; writes the report alone. In a dry run it rehearses accepting, matching, deciding,
    posting and
    opening cases in one transaction, keeps what the report says and rolls everything back. Written again on
    retry,
    clear or rerun.

    :param process: Name of the process.
    :param report_dir: Folder of the files. Default ``[backoffice] report_dir``, else ``backoffice/reports``
        in Airflow's home.
    :param ledger_conn_id: Connection of type ``postgres``. Default ``backoffice_ledger``.
    :return: ``{"run_id": int, "file": str, "straight_through_rate": str | None, "failed_checks": []}``.
    :raises ControlTotalsError: A check does not hold; the report is kept and names it. Not retried.
    """

    def __init__(
        self,
        *,
        process: str,
        report_dir: str | None = None,
        ledger_conn_id: str = settings.LEDGER_CONN_ID,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.process = process
        self.report_dir = report_dir
        self.ledger_conn_id = ledger_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Report, then refuse to call a run good whose totals do not tie."""
        hook = LedgerHook(self.ledger_conn_id)
        params = context.get("params") or {}
        try:
            with hook.connect() as connection:
                run_id = open_ledger_run(connection, context, self.process)
            report = (
                self._rehearse(hook, run_id, params.get("tolerance_profile"))
                if params.get("dry_run")
                else self._report(hook, run_id)
            )
        except psycopg.Error as error:
            raise translated(error) from error
        file = self._write(run_id, report)
        failed = [f"{check['check']}: {check['detail']}" for check in report["checks"] if not check["ok"]]
        if failed:
            raise ControlTotalsError(
                f"run {run_id} does not tie: {'; '.join(failed)}. The report is kept in {file}"
            )
        return {
            "run_id": run_id,
            "file": str(file),
            "straight_through_rate": report["invoices"]["straight_through_rate"],
            "failed_checks": failed,
        }

    @staticmethod
    def _report(hook: LedgerHook, run_id: int) -> dict[str, Any]:
        with hook.connect() as connection:
            return steps.write_report(connection, run_id, shipped_policies())

    @staticmethod
    def _rehearse(hook: LedgerHook, run_id: int, tolerance_set: str | None) -> dict[str, Any]:
        with hook.connect() as connection, connection.transaction(force_rollback=True):
            steps.rehearse(connection, run_id, tolerance_set or None)
            report = steps.write_report(connection, run_id, shipped_policies())
        with hook.connect() as connection:
            connection.execute("SELECT ops.keep_rehearsal(%s, %s)", (run_id, Jsonb(report)))
        return report

    def _write(self, run_id: int, report: dict[str, Any]) -> Path:
        file = report_folder(self.report_dir) / f"run-{run_id}.html"
        write_whole(file, render_run_report(report))
        write_whole(file.with_suffix(".json"), json.dumps(report, indent=1, sort_keys=True))
        return file
