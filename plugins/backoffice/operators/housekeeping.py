"""What must happen although no run is alive: answers, open cases, effects, notices, how people decide."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Any

import psycopg
from airflow.sdk import BaseOperator
from psycopg.types.json import Jsonb

from backoffice.exceptions import ConfigurationError, SourceUnavailableError
from backoffice.hooks.ledger import LedgerHook
from backoffice.hooks.outbox import OutboxHook
from backoffice.notifications.review import ReviewNotifier
from backoffice.operators import case_keeping, steps
from backoffice.operators.ledger_run import open_ledger_run
from backoffice.operators.ledger_step import translated
from backoffice.settings import LEDGER_CONN_ID

if TYPE_CHECKING:
    from airflow.sdk import Context

    from backoffice.operators.ledger_step import Connection

SEND_AT_ONCE = 50


class HousekeepingOperator(BaseOperator):
    """Book answered cases that no run has booked, look after open ones, send effects, and tell people.

    Of open cases: a claim or a wait for information that lasted too long ends, people are reminded, the next
    role is told, priorities follow the day. None of it decides anything.

    Reads unbooked answers, open cases and unsent effects; an idle call writes nothing. Each answer is booked
    once, by this task or by a run; each level of a case's chain is taken once. Each effect carries its
    idempotency key: one sent just before a crash is sent again with the same key, and the receiver keeps the
    first.

    :param processes: Processes whose answers are booked.
    :param outbox_conn_id: Connection of type ``http`` that takes the effects.
    :param ledger_conn_id: Connection of type ``postgres``. Default ``backoffice_ledger``.
    :return: ``{"booked": int, "sent": int, "notices": int, "alarms": int}``, and of cases ``expired``,
        ``resumed``, ``reminded``, ``escalated``, ``prioritised``. Alarms are teams that decide too quickly
        to look (``docs/explanation/controls.md``).
    :raises ConfigurationError: The receiver refuses an effect for good. Everything else was booked and sent;
        the effect
        stays in the outbox, and each call says so until the receiver or the connection is corrected.
    :raises TransientError: Ledger or receiver did not answer; the next call goes on. Retried.
    """

    def __init__(
        self,
        *,
        processes: list[str],
        outbox_conn_id: str,
        ledger_conn_id: str = LEDGER_CONN_ID,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.processes = processes
        self.outbox_conn_id = outbox_conn_id
        self.ledger_conn_id = ledger_conn_id

    def execute(self, context: Context) -> dict[str, int]:
        """Book first, send afterwards: what an answer orders goes out at once."""
        try:
            booked = sum(self._book(process, context) for process in self.processes)
            kept: Counter[str] = Counter()
            for process in self.processes:
                kept.update(self._keep_cases(process, context))
            alarms = sum(self._check_oversight(process) for process in self.processes)
            notices = sum(self._tell(process) for process in self.processes)
            return {"booked": booked, **kept, "sent": self._send(), "notices": notices, "alarms": alarms}
        except psycopg.Error as error:
            raise translated(error) from error

    def _book(self, process: str, context: Context) -> int:
        with LedgerHook(self.ledger_conn_id).connect() as connection:
            waiting = connection.execute(
                "SELECT EXISTS (SELECT FROM review.answer a JOIN review.case c ON c.case_id = a.case_id "
                "WHERE a.booked_at IS NULL AND a.final AND c.process = %s)",
                (process,),
            ).fetchone()
            if not waiting or not waiting[0]:
                return 0
            run_id = open_ledger_run(connection, context, process)
            return int(steps.book_answers(connection, run_id, process)["booked"])

    def _keep_cases(self, process: str, context: Context) -> dict[str, int]:
        with LedgerHook(self.ledger_conn_id).connect() as connection:
            if not case_keeping.something_is_due(connection, process):
                return {}
            run_id = open_ledger_run(connection, context, process)
            return case_keeping.keep_cases(connection, run_id, process)

    def _check_oversight(self, process: str) -> int:
        with LedgerHook(self.ledger_conn_id).connect() as connection:
            raised = connection.execute("SELECT review.check_oversight(%s)", (process,)).fetchone()
        if raised and raised[0]:
            self.log.warning("%d teams decide too quickly to have looked; see the run report", raised[0])
        return int(raised[0]) if raised else 0

    def _tell(self, process: str) -> int:
        """Tell people, where a way to them is set."""
        notifier = ReviewNotifier.from_settings(process, self.ledger_conn_id)
        return notifier.tell() if notifier else 0

    def _send(self) -> int:
        with LedgerHook(self.ledger_conn_id).connect() as connection:
            rows = connection.execute(
                "SELECT outbox_id, idempotency_key, destination, payload FROM ops.take_unsent(%s)",
                (SEND_AT_ONCE,),
            ).fetchall()
            if not rows:
                return 0
            with closing(OutboxHook(self.outbox_conn_id)) as receiver:
                sent, refused = self._send_each(connection, receiver, rows)
        if refused:
            raise ConfigurationError(
                f"{sent} effects were sent, {len(refused)} are refused and stay in the outbox: "
                f"{'; '.join(refused)}"
            )
        return sent

    def _send_each(
        self, connection: Connection, receiver: OutboxHook, rows: list[tuple[Any, ...]]
    ) -> tuple[int, list[str]]:
        """Send what was taken; one effect that is refused for good does not hold up the next, no answer ends
        the round.
        """
        sent, refused = 0, []
        for outbox_id, key, destination, payload in rows:
            try:
                answer = receiver.send(destination, payload, key)
            except SourceUnavailableError as error:
                connection.execute("SELECT ops.mark_attempt(%s)", (outbox_id,))
                self.log.warning("effect %s was not taken and stays in the outbox: %s", key, error)
                break
            except ConfigurationError as error:
                connection.execute("SELECT ops.mark_attempt(%s)", (outbox_id,))
                refused.append(str(error))
                continue
            connection.execute("SELECT ops.mark_sent(%s, %s)", (outbox_id, Jsonb(answer)))
            sent += 1
        return sent, refused
