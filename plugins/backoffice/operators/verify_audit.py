"""Verify the audit log from within Airflow, and raise the alarm."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from airflow.sdk import BaseOperator

from backoffice.domain.audit.findings import NOT_EXAMINED, Verification, lines
from backoffice.domain.checkpoint import CheckpointError, VerifyingKey
from backoffice.exceptions import AuditLogError, ConfigurationError
from backoffice.hooks.audit_log import LONGEST_WAIT, LedgerAuditLog
from backoffice.hooks.audit_verification import Outside, examine
from backoffice.hooks.ledger import LedgerHook
from backoffice.operators.ledger_step import translated
from backoffice.settings import LEDGER_CONN_ID, option

if TYPE_CHECKING:
    from airflow.sdk import Context

_LONGEST_DETAIL = 2_000


class VerifyAuditOperator(BaseOperator):
    """Verify the audit log; fail, and leave an alert in it, when it does not prove itself.

    Reads every record through one read-only transaction (with the parameter ``incremental``, only what came
    since the last good verification), the checkpoints that lie in ``[backoffice] anchor_dir``, and the keys
    in the file ``[backoffice] audit_keys``. Decides by the named checks of ``verify-audit``. Writes the
    outcome to ``audit.verification``; a failure also as an alert record. Changes nothing else.

    Run again it verifies again; the same alert is recorded once a day.

    :param longest_wait: For how long a record may wait for its checkpoint. Default 15 minutes.
    :param ledger_conn_id: Connection of type ``postgres``. Default ``backoffice_ledger``.
    :return: ``{"extent": str, "records": int, "checkpoint": str | None, "seconds": float,
        "unseen": list[str]}``.
    :raises AuditLogError: A check failed; the message says which, what and where. Not retried.
    :raises ConfigurationError: The file of keys cannot be read. Not retried.
    :raises TransientError: The database was not reachable. Retried.
    """

    def __init__(
        self,
        *,
        longest_wait: timedelta = timedelta(seconds=LONGEST_WAIT),
        ledger_conn_id: str = LEDGER_CONN_ID,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.longest_wait = longest_wait
        self.ledger_conn_id = ledger_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Verify, record, tell."""
        incremental = (context.get("params") or {}).get("incremental") is True
        try:
            verification = self._verify(incremental)
        except psycopg.Error as error:
            raise translated(error) from error
        for line in lines(verification):
            self.log.info(line)
        try:
            self._record(verification)
        except psycopg.Error as error:
            if verification.ok:
                raise translated(error) from error
            # whoever changed the log may have seen to it that it takes no alert; the task fails all the same
            raise AuditLogError(f"{_detail(verification)}; and the ledger takes no alert: {error}") from error
        if not verification.ok:
            raise AuditLogError(_detail(verification))
        return {
            "extent": _extent(verification),
            "records": verification.records,
            "checkpoint": verification.checkpoint,
            "seconds": verification.seconds,
            "unseen": list(verification.unseen),
        }

    def _verify(self, incremental: bool) -> Verification:
        folders = _anchor_folders()
        outside = Outside(folders=folders, asked=bool(folders), keys=_trusted_keys())
        with psycopg.connect(LedgerHook(self.ledger_conn_id).dsn()) as connection:
            connection.read_only = True
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            log = LedgerAuditLog(connection, self.longest_wait.total_seconds())
            examined = examine(log, outside, incremental=incremental)
        for remark in examined.remarks:
            self.log.warning(remark)
        return examined.verification

    def _record(self, verification: Verification) -> None:
        left_out = [result.check for result in verification.results if result.state == NOT_EXAMINED]
        with LedgerHook(self.ledger_conn_id).connect() as connection:
            connection.execute(
                "SELECT audit.record_verification(%s, %s, %s, %s, %s, %s, %s)",
                (
                    _extent(verification),
                    verification.records,
                    verification.size,
                    bytes.fromhex(verification.root) if verification.root else None,
                    list(verification.failed),
                    left_out,
                    _detail(verification),
                ),
            )


def _extent(verification: Verification) -> str:
    return "full" if verification.full else "incremental"


def _detail(verification: Verification) -> str:
    """Return what failed, each check with its first finding."""
    told = [
        f"{result.check}: {result.findings[0].what} ({result.findings[0].where() or 'no single place'})"
        + (f" and {result.count - 1:,} more" if result.count > 1 else "")
        for result in verification.results
        if result.findings
    ]
    return "; ".join(told)[:_LONGEST_DETAIL]


def _anchor_folders() -> list[Path]:
    folder = option("anchor_dir")
    return [Path(folder)] if folder else []


def _trusted_keys() -> list[VerifyingKey]:
    file = option("audit_keys")
    if not file:
        return []
    try:
        return [VerifyingKey.parse(line) for line in Path(file).read_text(encoding="utf-8").split()]
    except (OSError, UnicodeDecodeError, CheckpointError) as error:
        raise ConfigurationError(
            f"[backoffice] audit_keys is {file!r}: {error}; it is a file of public keys, one a line"
        ) from error
