"""Wait in the triggerer until the cases of a run are answered or its review window is over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from airflow.sdk.exceptions import AirflowNotFoundException
from airflow.triggers.base import BaseTrigger, TaskFailedEvent, TaskSuccessEvent, TriggerEvent
from asgiref.sync import sync_to_async

from backoffice.domain.review_window import Goal, Until, result_of
from backoffice.hooks.ledger import LedgerHook
from backoffice.settings import LEDGER_CONN_ID
from backoffice.triggers.review_listener import shared_listener


class ReviewTrigger(BaseTrigger):
    """Fire one event when the cases that a run opened are answered, or when its review window is over.

    Waits on the ledger's notifications and looks anyway every ``poke_interval`` seconds, since a pooled
    connection hears none. All triggers of a triggerer share one connection per ledger. A ledger that cannot
    be reached is waited for; only the window's end then ends the waiting.

    The event: ``{"status": "settled" | "answered" | "window_over", "counts": {state: number} | None}``, or
    ``{"status": "failed", "message": str}`` when the Airflow connection does not exist. With
    ``end_from_trigger`` the task ends here instead, without a worker, and its result is the sensor's.

    :param run_id: The run's id in the ledger.
    :param process: Process whose cases count.
    :param window_until: End of the window, ISO 8601 with offset.
    :param ledger_conn_id: Connection of type ``postgres``. The trigger carries its name, never its password.
    :param poke_interval: Seconds between looks when no notification comes.
    :param until: See ``backoffice.domain.review_window.Goal``, as ``quorum``, ``share``, ``amount`` and
        ``currency``.
    :param end_from_trigger: End the task as a success (or, without the connection, as a failure).
    """

    def __init__(
        self,
        run_id: int,
        process: str,
        window_until: str,
        ledger_conn_id: str = LEDGER_CONN_ID,
        poke_interval: float = 60.0,
        until: Until = "all",
        quorum: int | None = None,
        share: str | None = None,
        amount: str | None = None,
        currency: str | None = None,
        end_from_trigger: bool = False,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        if datetime.fromisoformat(window_until).tzinfo is None:
            raise ValueError(f"window_until {window_until!r} has no offset from UTC")
        self.run_id = run_id
        self.process = process
        self.window_until = window_until
        self.ledger_conn_id = ledger_conn_id
        self.poke_interval = poke_interval
        self.goal = Goal(
            until,
            quorum,
            None if share is None else Decimal(share),
            None if amount is None else Decimal(amount),
            currency,
        )
        self.end_from_trigger = end_from_trigger

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments; ids and primitives only."""
        return (
            "backoffice.triggers.review.ReviewTrigger",
            {
                "run_id": self.run_id,
                "process": self.process,
                "window_until": self.window_until,
                "ledger_conn_id": self.ledger_conn_id,
                "poke_interval": self.poke_interval,
                **self.goal.as_kwargs(),
                "end_from_trigger": self.end_from_trigger,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield the one event."""
        try:
            dsn = await sync_to_async(LedgerHook(self.ledger_conn_id).dsn)()
        except AirflowNotFoundException as error:
            self.log.error("%s", error)
            if self.end_from_trigger:
                yield TaskFailedEvent()
            else:
                yield TriggerEvent({"status": "failed", "message": str(error)})  # type: ignore[no-untyped-call]
            return
        window_until = datetime.fromisoformat(self.window_until)
        async with shared_listener(dsn) as listener:
            outcome = await listener.wait(
                run_id=self.run_id,
                process=self.process,
                window_until=window_until,
                poll_seconds=self.poke_interval,
                goal=self.goal,
            )
        if self.end_from_trigger:
            yield TaskSuccessEvent(
                xcoms={"return_value": result_of(outcome.verdict, window_until, outcome.counts)}
            )
            return
        counts = outcome.counts.as_dict() if outcome.counts else None
        yield TriggerEvent({"status": outcome.verdict, "counts": counts})  # type: ignore[no-untyped-call]
