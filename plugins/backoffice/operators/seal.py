"""Have the audit log sealed at the end of a run, and tell Airflow the checkpoint."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from backoffice.assets import AUDIT_LOG
from backoffice.hooks.ledger import LedgerHook
from backoffice.operators.ledger_run import open_ledger_run
from backoffice.settings import LEDGER_CONN_ID

if TYPE_CHECKING:
    from airflow.sdk import Context

    from backoffice.operators.ledger_step import Connection

LOOK_EVERY = 0.1  # seconds
ASK_EVERY = 2.0  # a sealer that was just starting did not hear the question


class SealAuditLogOperator(BaseOperator):
    """Ask the sealer to seal what the run recorded, and wait for the checkpoint.

    Reads ``audit.waiting`` and the latest checkpoint; signs nothing, because no task has the key. The
    checkpoint goes into the asset event of ``backoffice_audit_log``: Airflow's own database becomes one more
    witness outside the ledger. Where no sealer is there or it does not come in time, that is on record as an
    alert and stands in the report, and the night goes on: the records wait and lose nothing. Run again it
    asks again.

    :param process: Name of the process.
    :param wait_seconds: How long to wait for the sealer. Default 60.
    :param ledger_conn_id: Connection of type ``postgres``. Default ``backoffice_ledger``.
    :return: ``{"sealed": bool, "size": int | None, "root": str | None, "problem": str | None}``.
    """

    def __init__(
        self,
        *,
        process: str,
        wait_seconds: float = 60,
        ledger_conn_id: str = LEDGER_CONN_ID,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.process = process
        self.wait_seconds = wait_seconds
        self.ledger_conn_id = ledger_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Ask, wait, tell."""
        hook = LedgerHook(self.ledger_conn_id)
        with hook.connect() as connection:
            run_id = open_ledger_run(connection, context, self.process)
            row = connection.execute("SELECT max(record_id) FROM audit.waiting").fetchone()
        reason = f"run {run_id} ended"
        problem = self._wait(hook, row[0], reason) if row and row[0] is not None else None
        with hook.connect() as connection:
            if problem is not None:
                connection.execute("SELECT audit.raise_alert('run not sealed', %s)", (problem,))
            sealed = connection.execute("SELECT size, encode(root, 'hex') FROM audit.latest_seal").fetchone()
        size, root = sealed or (None, None)
        self._tell_airflow(context, size, root)
        return {"sealed": problem is None, "size": size, "root": root, "problem": problem}

    def _wait(self, hook: LedgerHook, last: int, reason: str) -> str | None:
        """Ask until nothing up to record ``last`` waits; return what went wrong."""
        until = time.monotonic() + self.wait_seconds
        asked = float("-inf")
        while True:
            with hook.connect() as connection:
                if not _waits(connection, last):
                    return None
                there = connection.execute("SELECT audit.sealer_is_there()").fetchone()
                if time.monotonic() - asked > ASK_EVERY:
                    asked = time.monotonic()
                    connection.execute("SELECT audit.request_seal(%s)", (reason,))
            if not (there and there[0]):
                return "no sealer is connected to the ledger"
            if time.monotonic() > until:
                return f"the sealer did not seal within {self.wait_seconds:.0f} seconds"
            time.sleep(LOOK_EVERY)

    @staticmethod
    def _tell_airflow(context: Context, size: int | None, root: str | None) -> None:
        events = context.get("outlet_events")
        if events is not None and root is not None:
            events[AUDIT_LOG].extra = {"size": size, "root": root}


def _waits(connection: Connection, last: int) -> bool:
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM audit.waiting WHERE record_id <= %s)", (last,)
    ).fetchone()
    return bool(row and row[0])
