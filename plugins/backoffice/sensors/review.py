"""Wait for people, without ever failing the night because of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseSensorOperator, PokeReturnValue

from backoffice.domain.review_window import (
    CaseCounts,
    Goal,
    Until,
    Verdict,
    judge_waiting,
    result_of,
    window_end,
)
from backoffice.exceptions import ConfigurationError
from backoffice.hooks.ledger import LedgerHook
from backoffice.settings import LEDGER_CONN_ID, sql
from backoffice.triggers.review import ReviewTrigger
from backoffice.triggers.review_listener import counts_by_run

if TYPE_CHECKING:
    from airflow.sdk import Context

# Just short of a night: the next scheduled run carries over what this one leaves open.
DEFAULT_REVIEW_WINDOW = timedelta(hours=23)
_SLACK_SECONDS = 3600.0


@dataclass(frozen=True)
class _Looked:
    """What one look at the ledger found; run 0 is a run the ledger does not know."""

    run_id: int
    counts: CaseCounts
    window_until: datetime
    verdict: Verdict


class ReviewSensor(BaseSensorOperator):
    """Wait until every case that this run opened is answered, or until the review window is over.

    Reads the run and its cases from the ledger; writes nothing. A case counts as answered when it is decided,
    settled or superseded; a case that waits for its second person does not. The window starts with the run in
    the ledger, so a retried or cleared sensor waits no longer than the first one. A run without cases, or one
    the ledger does not know, is done at once and is never deferred.

    The sensor succeeds in both cases. It decides nothing: what is still open stays open and is carried over,
    and booking the answers does not depend on this task. It fails only when the ledger cannot be read by the
    worker, which a retry heals.

    The triggerer needs the same Airflow connection; all waiting runs of a triggerer share one
    database connection. With ``deferrable=False`` it pokes, in ``mode`` ``poke`` or ``reschedule``.

    :param process: Process whose cases count, for example ``invoice_reconciliation``.
    :param review_window: How long people have, counted from the start of the run. Default 23 hours: until the
        next nightly run.
    :param until: ``"all"`` (default): every case answered. ``"any"``: the first answer ends the waiting, so
        that it is booked at once. ``"quorum"``: ``quorum`` answers do. ``"amount"``: answered cases do whose
        amounts reach ``share`` of all (in every currency, and with every case of unknown amount answered) or
        the sum ``amount`` in ``currency``. What is open then is carried over as at the window's end. A goal
        above what the run opened is reached with its last case.
    :param quorum: Number of answers, with ``until="quorum"``.
    :param share: Part of the amounts, above 0 and at most 1, with ``until="amount"``.
    :param amount: Sum of amounts, with ``until="amount"`` instead of ``share``.
    :param currency: Currency of ``amount``.
    :param ledger_conn_id: Connection of type ``postgres``. Default ``backoffice_ledger``.
    :param deferrable: Wait in the triggerer. Default True: people take hours, and a poke holds a worker slot.
    :param end_from_trigger: When deferred, end the task in the triggerer. Default True: an answer then needs
        no worker to take effect. False resumes the task on a worker, which looks once more.
    :param poke_interval: Seconds between looks; when deferred only the fall-back, since an answer wakes the
        run.
    :return: ``{"status": "settled" | "answered" | "window_over", "window_until": ISO time or None,
        "opened": int, "open": int, "half_decided": int, "decided": int, "settled": int, "superseded": int}``.
    :raises ConfigurationError: The Airflow connection of the ledger does not exist.
    """

    ui_color = "#e8f0d8"

    def __init__(
        self,
        *,
        process: str,
        review_window: timedelta = DEFAULT_REVIEW_WINDOW,
        until: Until = "all",
        quorum: int | None = None,
        share: Decimal | str | None = None,
        amount: Decimal | str | None = None,
        currency: str | None = None,
        ledger_conn_id: str = LEDGER_CONN_ID,
        deferrable: bool = True,
        end_from_trigger: bool = True,
        poke_interval: timedelta | float = 60,
        timeout: timedelta | float | None = None,
        **kwargs: Any,
    ) -> None:
        if review_window < timedelta(0):
            raise ValueError(f"review_window is {review_window}, less than nothing")
        if timeout is None:
            # The window's end lets the run succeed; Airflow's own time-out would fail it and must come later.
            timeout = review_window.total_seconds() + _SLACK_SECONDS
        super().__init__(poke_interval=poke_interval, timeout=timeout, **kwargs)
        self.process = process
        self.review_window = review_window
        self.until, self.quorum, self.currency = until, quorum, currency
        # as text, which every serialization of a Dag takes unchanged
        self.share = None if share is None else str(share)
        self.amount = None if amount is None else str(amount)
        self._goal()
        self.ledger_conn_id = ledger_conn_id
        self.deferrable = deferrable
        self.end_from_trigger = end_from_trigger

    def execute(self, context: Context) -> Any:
        """Look once; defer only when there is something to wait for."""
        if not self.deferrable:
            return super().execute(context)
        looked = self._look(context)
        if looked.verdict == "wait":
            self.defer(
                trigger=ReviewTrigger(
                    run_id=looked.run_id,
                    process=self.process,
                    window_until=looked.window_until.isoformat(),
                    ledger_conn_id=self.ledger_conn_id,
                    poke_interval=self.poke_interval,
                    until=self.until,
                    quorum=self.quorum,
                    share=self.share,
                    amount=self.amount,
                    currency=self.currency,
                    end_from_trigger=self.end_from_trigger,
                ),
                method_name=self.execute_complete.__name__,
            )
        return self._finish(looked)

    def poke(self, context: Context) -> PokeReturnValue:
        """Answer the one question: is there still something to wait for?"""
        looked = self._look(context)
        if looked.verdict == "wait":
            self.log.info("%d of %d cases wait for an answer", looked.counts.unanswered, looked.counts.opened)
            return PokeReturnValue(is_done=False)
        return PokeReturnValue(is_done=True, xcom_value=self._finish(looked))

    def execute_complete(self, context: Context, event: dict[str, Any] | str) -> dict[str, Any]:
        """Return how the cases stand now; the event only says that it is time to look.

        Where Airflow runs a trigger without a triggerer (``dag.test``), also one that ends the task comes
        here, with a plain word.
        """
        if isinstance(event, dict) and event["status"] == "failed":
            raise ConfigurationError(event["message"])
        looked = self._look(context)
        if looked.verdict == "wait":  # facts moved between the event and now; the run has waited and goes on
            self.log.info("%d cases are open again; they are carried over", looked.counts.unanswered)
        return self._finish(looked)

    def _look(self, context: Context) -> _Looked:
        ti = context["ti"]
        with LedgerHook(self.ledger_conn_id).connect() as connection:
            now = datetime.now(UTC)  # before the cases: the last moment's answer is no late one
            run = connection.execute(
                sql("review/find_run"), {"dag_id": ti.dag_id, "airflow_run_id": ti.run_id}
            ).fetchone()
            if run is None:
                self.log.warning(
                    "run %s of %s is not in the ledger: there is nothing to wait for", ti.run_id, ti.dag_id
                )
                return _Looked(0, CaseCounts({}), datetime.now(UTC), "settled")
            run_id, started_at, _ = run
            rows = connection.execute(
                sql("review/count_cases_of_runs"), {"run_ids": [run_id], "process": self.process}
            ).fetchall()
        counts = counts_by_run(rows).get(run_id, CaseCounts({}))
        window_until = window_end(started_at, self.review_window)
        return _Looked(run_id, counts, window_until, judge_waiting(counts, window_until, now, self._goal()))

    def _goal(self) -> Goal:
        share = None if self.share is None else Decimal(self.share)
        amount = None if self.amount is None else Decimal(self.amount)
        return Goal(self.until, self.quorum, share, amount, self.currency)

    def _finish(self, looked: _Looked) -> dict[str, Any]:
        counts = looked.counts
        if counts.unanswered:
            self.log.info("%d of %d cases are carried over unanswered", counts.unanswered, counts.opened)
        window_until = looked.window_until if looked.run_id else None
        return result_of(self._status(counts), window_until, counts)

    def _status(self, counts: CaseCounts) -> Verdict:
        if not counts.unanswered:
            return "settled"
        return "answered" if counts.reached(self._goal()) else "window_over"
