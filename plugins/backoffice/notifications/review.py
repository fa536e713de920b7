"""Tell people that cases wait: by mail to each, by a webhook to a channel that several read."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import requests
from airflow.providers.http.hooks.http import HttpHook
from airflow.providers.smtp.notifications.smtp import SmtpNotifier
from airflow.sdk import BaseNotifier
from airflow.sdk.configuration import conf
from psycopg.types.json import Jsonb

from backoffice.hooks.ledger import LedgerHook
from backoffice.notifications.notice_text import Notice, NoticeCase, channel_text, mail_html, mail_subject
from backoffice.settings import LEDGER_CONN_ID, option

if TYPE_CHECKING:
    import psycopg
    from airflow.sdk import Context

THROTTLE = timedelta(hours=4)
TIMEOUT_SECONDS = 30
MOST_AT_ONCE = 500
_CASES = "SELECT case_id, role, codes, due_date, chosen, expected FROM review.notice_cases(%s)"


class ReviewNotifier(BaseNotifier):
    """Write what is to be told about the cases of a process, and send what waits to be sent.

    Reads cases, reminders, escalations and answered test cases from the ledger. Each is told once to each
    receiver: a notice and its place in the outbox are written in one transaction. Receivers: the person whom
    the document names or who claimed the case, else everybody whose role and limit fit; of an escalation the
    role that it went to. One notice holds all that is new for its receiver, and no second one of its kind
    follows within the throttle.

    A mail holds case numbers, roles, codes, due dates and links: no supplier, no amount, no name. The link
    leads to the case after the log-in; nothing can be decided by a mail. A channel is told numbers per role
    alone. What the receiver may not see any more, or what was decided meanwhile, is left out; a notice of
    which nothing is left is not sent.

    Run again it writes and sends only what is new. A crash after the mail server took a mail and before that
    was committed sends that one mail again, with the same ``Message-ID``.

    Use it as a callback of a task, or let ``HousekeepingOperator`` do it (``[backoffice] notice_...``).

    :param process: Process whose cases count.
    :param smtp_conn_id: Connection of type ``smtp``, with ``from_email`` in its extras; none: no mails.
    :param webhook_conn_id: Connection of type ``http`` to a Slack-compatible webhook, the secret path as its
        password; none: no channel.
    :param throttle: Least time between two notices of a kind to one receiver.
    :param base_url: Address of Airflow as people type it. Default ``[api] base_url``.
    :param ledger_conn_id: Connection of type ``postgres``. Default ``backoffice_ledger``.
    """

    def __init__(
        self,
        *,
        process: str,
        smtp_conn_id: str | None = None,
        webhook_conn_id: str | None = None,
        throttle: timedelta = THROTTLE,
        base_url: str | None = None,
        ledger_conn_id: str = LEDGER_CONN_ID,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if smtp_conn_id is None and webhook_conn_id is None:
            raise ValueError("neither smtp_conn_id nor webhook_conn_id is given: nobody would be told")
        self.process = process
        self.smtp_conn_id = smtp_conn_id
        self.webhook_conn_id = webhook_conn_id
        self.throttle = throttle
        self.base_url = base_url
        self.ledger_conn_id = ledger_conn_id

    @classmethod
    def from_settings(cls, process: str, ledger_conn_id: str = LEDGER_CONN_ID) -> ReviewNotifier | None:
        """Return the notifier that the options ``notice_...`` describe, or None where they name no way."""
        smtp, webhook = option("notice_smtp_conn_id") or None, option("notice_webhook_conn_id") or None
        if smtp is None and webhook is None:
            return None
        hours = option("notice_throttle_hours")
        return cls(
            process=process,
            smtp_conn_id=smtp,
            webhook_conn_id=webhook,
            throttle=timedelta(hours=float(hours)) if hours else THROTTLE,
            ledger_conn_id=ledger_conn_id,
        )

    def notify(self, context: Context) -> None:
        """Write and send; what cannot be sent stays in the outbox and is a warning in the log."""
        self.tell()

    def tell(self) -> int:
        """Write what is new, send what waits, and return how many were sent."""
        hook = LedgerHook(self.ledger_conn_id)
        with hook.connect() as connection:
            connection.execute(
                "SELECT review.write_notices(%s, %s, %s, %s)",
                (
                    self.process,
                    self.smtp_conn_id is not None,
                    self.webhook_conn_id is not None,
                    self.throttle,
                ),
            )
        tried: list[int] = []
        sent = 0
        for _ in range(MOST_AT_ONCE):
            with (
                hook.connect() as connection
            ):  # a transaction each: a crash repeats at most the one under way
                outcome = self._send_next(connection, tried)
            if outcome is None:
                break
            sent += outcome
        return sent

    def _send_next(self, connection: psycopg.Connection[Any], tried: list[int]) -> bool | None:
        """Send the next notice: None when none is left, False when this one could not or need not be sent."""
        row = connection.execute("SELECT * FROM review.take_notice(%s::bigint[])", (tried,)).fetchone()
        if row is None:
            return None
        outbox_id, notice_id, kind, person_id, email = row
        tried.append(outbox_id)
        cases = tuple(NoticeCase(*case) for case in connection.execute(_CASES, (notice_id,)).fetchall())
        if not cases or (person_id is not None and email is None):
            answer = {"sent": "no", "why": "nothing is left to tell" if not cases else "no address any more"}
            connection.execute("SELECT ops.mark_sent(%s, %s)", (outbox_id, Jsonb(answer)))
            return False
        notice = Notice(notice_id, kind, cases, self._base_url())
        try:
            way = self._to_channel(notice) if person_id is None else self._mail(notice, email)
        except Exception as error:  # whatever a mail server or a webhook does, the others are still told
            connection.execute("SELECT ops.mark_attempt(%s)", (outbox_id,))
            self.log.warning("notice %s was not taken and stays in the outbox: %s", notice_id, _said(error))
            return False
        connection.execute("SELECT ops.mark_sent(%s, %s)", (outbox_id, Jsonb({"sent": way})))
        return True

    def _base_url(self) -> str:
        return (self.base_url or conf.get("api", "base_url", fallback="") or "").rstrip("/")

    def _mail(self, notice: Notice, email: str) -> str:
        if self.smtp_conn_id is None:
            raise ValueError("no smtp_conn_id is given any more")
        # plain values, which the notifier's own templating is not asked to render
        SmtpNotifier(
            to=[email],
            subject=mail_subject(notice),
            html_content=mail_html(notice),
            smtp_conn_id=self.smtp_conn_id,
            custom_headers={
                "Message-ID": _message_id(notice, email),
                "Auto-Submitted": "auto-generated",
            },
        ).notify({})
        return "mail"

    def _to_channel(self, notice: Notice) -> str:
        if self.webhook_conn_id is None:
            raise ValueError("no webhook_conn_id is given any more")
        hook = HttpHook(method="POST", http_conn_id=self.webhook_conn_id)
        secret_path = hook.get_connection(self.webhook_conn_id).password or ""
        with closing(hook.get_conn()) as session:
            session.auth = None
            response = session.post(
                f"{str(hook.base_url).rstrip('/')}/{secret_path.lstrip('/')}",
                json={"text": channel_text(notice, Counter(case.role for case in notice.cases))},
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
            )
        if response.status_code >= 300:
            raise requests.HTTPError(f"the webhook answered {response.status_code}")
        return "channel"


def _message_id(notice: Notice, email: str) -> str:
    """Return the same for the same notice of the same installation, and for no other."""
    whole = "\0".join((notice.base_url, str(notice.notice_id), email))
    return f"<{sha256(whole.encode()).hexdigest()[:32]}@backoffice.invalid>"


def _said(error: Exception) -> str:
    """Return what an error says, but never an address, which may hold a secret."""
    return str(error) if type(error) in (ValueError, requests.HTTPError) else type(error).__name__
