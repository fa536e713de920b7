"""Mails over a real SMTP server and messages over real HTTP: once each, to whom it concerns, with nothing in them that is not theirs."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from tests.conftest import Ledger
from tests.smtp_server import MailServer, mail_server
from tests.triggers.conftest import open_run

from backoffice.notifications.review import ReviewNotifier

BASE = "https://airflow.example.com/af"
SECRETS = ("Meier GmbH", "4711", "9876.54", "Ada", "Clara", "Ben", "Max")
OPEN = """
INSERT INTO review.case (process, subject_kind, subject_id, subject_key, role, entity, title, amount, currency, due_date, evidence_hash, handover, candidate_person)
SELECT 'invoice_reconciliation', 'invoice', %s * 1000 + n, 'key', %s, '1000', '4711 of Meier GmbH: PRICE', %s, 'EUR', '2026-12-01', '\\x00',
  '{"supplier": {"name": "Meier GmbH"}}', %s FROM generate_series(1, %s) AS n RETURNING case_id
"""


@pytest.fixture
def smtp(monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    with mail_server() as server:
        monkeypatch.setenv("AIRFLOW_CONN_NOTICES", smtp_connection(server.port))
        yield server


def smtp_connection(port: int) -> str:
    return json.dumps({
        "conn_type": "smtp", "host": "127.0.0.1", "port": port,
        "extra": {"disable_ssl": True, "disable_tls": True, "from_email": "backoffice@example.com", "retry_limit": 1, "timeout": 5},
    })  # fmt: skip


class Hook(ThreadingHTTPServer):
    """A webhook that keeps what it gets."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, Any]]] = []
        self.status = 200
        super().__init__(("127.0.0.1", 0), _Take)


class _Take(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.server.status == 200:
            self.server.got.append((self.path, body))
        assert "Authorization" not in self.headers
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    with Hook() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv(
            "AIRFLOW_CONN_CHANNEL",
            json.dumps({
                "conn_type": "http", "schema": "http", "host": "127.0.0.1", "port": server.server_address[1], "password": "/services/T0/B0/secret",
            }),
        )  # fmt: skip
        yield server
        server.shutdown()


def notifier(conn_id: str, **options: Any) -> ReviewNotifier:
    return ReviewNotifier(
        process="invoice_reconciliation",
        ledger_conn_id=conn_id,
        base_url=f"{BASE}/",
        **{"smtp_conn_id": "notices", "throttle": timedelta(0), **options},
    )


def open_cases(
    ledger: Ledger, number: int, role: str = "ap_clerk", amount: str = "9876.54", candidate: str | None = None
) -> list[int]:
    with ledger.connect("admin") as connection:
        run = open_run(ledger, f"run {role} {number} {amount} {candidate}").run_id
        return [row[0] for row in connection.execute(OPEN, (run, role, amount, candidate, number))]


def told(server: MailServer) -> dict[str, list[str]]:
    """Return the subjects by receiver."""
    found: dict[str, list[str]] = {}
    for mail, (_, receivers) in zip(server.mails, server.envelopes, strict=True):
        for receiver in receivers:
            found.setdefault(receiver, []).append(str(mail["Subject"]))
    return found


def text_of(server: MailServer, at: int = -1) -> str:
    return server.mails[at].get_payload(0).get_content()  # type: ignore[union-attr, return-value]


def test_each_receiver_is_told_once_of_all_new_cases(ledger: Ledger, conn_id: str, smtp: MailServer) -> None:
    cases = open_cases(ledger, 25)
    assert notifier(conn_id).tell() == 2
    assert told(smtp) == {
        "clerk@example.com": ["25 cases wait for your decision"],
        "manager@example.com": ["25 cases wait for your decision"],
    }
    page = text_of(smtp)
    assert f'href="{BASE}/backoffice/cases/{cases[0]}"' in page
    assert "and 5 more in" in page
    assert "due 2026-12-01" in page
    assert not [secret for secret in SECRETS if secret in page + str(smtp.mails[-1]["Subject"])]
    assert page.count("href=") == 21, "links to cases and to the inbox, and none that decides"
    assert "?" not in "".join(part.split('"')[0] for part in page.split('href="')[1:])
    assert notifier(conn_id).tell() == 0
    (new,) = open_cases(ledger, 1, amount="10.00")
    assert notifier(conn_id).tell() == 2
    assert f"cases/{new}" in text_of(smtp)
    assert f'cases/{cases[0]}"' not in text_of(smtp)


def test_the_person_in_the_document_comes_first_and_limits_count(
    ledger: Ledger, conn_id: str, smtp: MailServer
) -> None:
    open_cases(ledger, 1, "buyer", candidate="p-buyer")
    open_cases(ledger, 1, "ap_clerk", "30000.00")
    notifier(conn_id).tell()
    assert set(told(smtp)) == {"buyer@example.com", "manager@example.com"}, "the clerk may not decide 30,000"


def test_no_second_notice_of_a_kind_within_the_throttle(
    ledger: Ledger, conn_id: str, smtp: MailServer
) -> None:
    open_cases(ledger, 1)
    throttled = notifier(conn_id, throttle=timedelta(hours=4))
    assert throttled.tell() == 2
    late = open_cases(ledger, 2, amount="11.00")
    assert throttled.tell() == 0
    with ledger.connect("admin") as connection:
        connection.execute("UPDATE review.notice SET written_at = now() - interval '5 hours'")
    assert throttled.tell() == 2
    assert all(f"cases/{case}" in text_of(smtp) for case in late), "what came meanwhile is in the next one"


def test_reminders_and_escalations_are_told_to_whom_they_went(
    ledger: Ledger, conn_id: str, smtp: MailServer
) -> None:
    case, _ = open_cases(ledger, 2)
    notifier(conn_id).tell()
    smtp.mails.clear()
    smtp.envelopes.clear()
    with ledger.connect("admin") as connection:
        if connection.execute("SELECT to_regclass('review.case_step')").fetchone() == (None,):
            connection.execute("SET ROLE backoffice_owner")
            connection.execute(
                "CREATE TABLE review.case_step (step_id bigint GENERATED ALWAYS AS IDENTITY, case_id bigint, step text, level integer, role text, taken_at timestamptz)"
            )
        connection.execute(
            "INSERT INTO review.case_step (case_id, step, level, role, taken_at) VALUES (%s, 'reminded', 1, NULL, now()), (%s, 'escalated', 2, 'ap_manager', now())",
            (case, case),
        )
    assert notifier(conn_id).tell() == 3
    assert told(smtp) == {
        "clerk@example.com": ["Reminder: 1 case is still not decided"],
        "manager@example.com": ["Reminder: 1 case is still not decided", "Not decided in time: 1 case"],
    }
    assert notifier(conn_id).tell() == 0


def test_what_was_decided_or_may_not_be_seen_any_more_is_not_told(
    ledger: Ledger, conn_id: str, smtp: MailServer
) -> None:
    cases = open_cases(ledger, 3)
    smtp.refuses = "450 not now"
    assert notifier(conn_id).tell() == 0
    with ledger.connect("admin") as connection:
        connection.execute("UPDATE review.case SET state = 'decided' WHERE case_id = %s", (cases[0],))
        connection.execute("DELETE FROM review.authority WHERE person_id = 'p-clerk'")
    smtp.refuses = None
    assert notifier(conn_id).tell() == 1
    assert told(smtp) == {"manager@example.com": ["2 cases wait for your decision"]}
    with ledger.connect("admin") as connection:
        answers = connection.execute("SELECT answer ->> 'sent' FROM ops.outbox ORDER BY 1").fetchall()
    assert answers == [("mail",), ("no",)]


def test_a_mail_server_that_is_down_costs_nothing_but_time(
    ledger: Ledger, conn_id: str, smtp: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_cases(ledger, 1)
    monkeypatch.setenv("AIRFLOW_CONN_NOTICES", smtp_connection(1))
    assert notifier(conn_id).tell() == 0
    monkeypatch.setenv("AIRFLOW_CONN_NOTICES", smtp_connection(smtp.port))
    assert notifier(conn_id).tell() == 2
    assert len(smtp.mails) == 2


def test_sent_again_after_a_crash_it_is_the_same_mail(ledger: Ledger, conn_id: str, smtp: MailServer) -> None:
    open_cases(ledger, 1)
    notifier(conn_id).tell()
    with ledger.connect("admin") as connection:
        connection.execute("UPDATE ops.outbox SET sent_at = NULL")
        connection.execute(
            "DELETE FROM audit.waiting WHERE record_id IN (SELECT record_id FROM audit.record WHERE subject LIKE 'outbox:%')"
        )
    notifier(conn_id).tell()
    ids = [str(mail["Message-ID"]) for mail in smtp.mails]
    assert len(ids) == 4
    assert len(set(ids)) == 2


def test_two_at_once_send_each_notice_once(ledger: Ledger, conn_id: str, smtp: MailServer) -> None:
    open_cases(ledger, 5)
    open_cases(ledger, 2, "buyer", candidate="p-buyer")
    threads = [threading.Thread(target=notifier(conn_id).tell) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {receiver: len(subjects) for receiver, subjects in told(smtp).items()} == {
        "clerk@example.com": 1, "manager@example.com": 1, "buyer@example.com": 1,
    }  # fmt: skip


def test_a_channel_hears_numbers_alone(ledger: Ledger, conn_id: str, webhook: Hook) -> None:
    open_cases(ledger, 3)
    open_cases(ledger, 1, "buyer", candidate="p-buyer")
    to_channel = notifier(conn_id, smtp_conn_id=None, webhook_conn_id="channel")
    webhook.status = 500
    assert to_channel.tell() == 0
    webhook.status = 200
    assert to_channel.tell() == 1
    assert to_channel.tell() == 0
    assert webhook.got == [
        ("/services/T0/B0/secret", {"text": f"New cases wait for a decision: ap clerk 3, buyer 1. {BASE}/backoffice/cases"})
    ]  # fmt: skip


def test_the_log_and_the_outbox_hold_no_address_and_no_case_title(
    ledger: Ledger, conn_id: str, smtp: MailServer
) -> None:
    open_cases(ledger, 1)
    notifier(conn_id).tell()
    with ledger.connect("admin") as connection:
        held = connection.execute(
            "SELECT string_agg(convert_from(body, 'UTF8'), '') || (SELECT string_agg(payload::text || answer::text, '') FROM ops.outbox) FROM audit.record "
            "WHERE subject LIKE 'notice:%' OR subject LIKE 'outbox:%'"
        ).fetchone()
        steps = connection.execute(
            "SELECT count(*) FROM audit.record WHERE subject LIKE 'notice:%'"
        ).fetchone()
    assert steps == (2,)
    assert not [secret for secret in (*SECRETS, "@example.com", "http") if secret in held[0]]


def test_a_secret_path_reaches_no_log(
    ledger: Ledger,
    conn_id: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    open_cases(ledger, 1)
    monkeypatch.setenv(
        "AIRFLOW_CONN_CHANNEL",
        json.dumps(
            {
                "conn_type": "http",
                "schema": "http",
                "host": "127.0.0.1",
                "port": 1,
                "password": "/services/T0/B0/secret",
            }
        ),
    )
    assert notifier(conn_id, smtp_conn_id=None, webhook_conn_id="channel").tell() == 0
    printed = capsys.readouterr()
    assert "B0/secret" not in caplog.text + printed.out + printed.err


def test_without_a_way_to_anybody_there_is_no_notifier(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ReviewNotifier.from_settings("invoice_reconciliation") is None
    with pytest.raises(ValueError, match="nobody would be told"):
        ReviewNotifier(process="invoice_reconciliation")
    monkeypatch.setenv("AIRFLOW__BACKOFFICE__NOTICE_SMTP_CONN_ID", "notices")
    monkeypatch.setenv("AIRFLOW__BACKOFFICE__NOTICE_THROTTLE_HOURS", "0.5")
    made = ReviewNotifier.from_settings("invoice_reconciliation")
    assert made is not None
    assert (made.smtp_conn_id, made.webhook_conn_id, made.throttle) == (
        "notices",
        None,
        timedelta(minutes=30),
    )
