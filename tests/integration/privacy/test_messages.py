"""Names of files and senders, and what a message says, are not in the log in plain text; that it is complete still shows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from psycopg.types.json import Jsonb
from tests.answering import decide
from tests.books import Books
from tests.conftest import Ledger
from tests.governance.evidence.test_pack import cases
from tests.integration.privacy.test_erasure import found_in

from backoffice import settings

pytestmark = pytest.mark.integration

FILE = "Rechnung von Frau Quittenbaum.pdf"
SENDER = "<hagebutte.4711@privat.example>"
BILLED = "Schlehenfeuer 12"
WORDS = "Bitte noch einmal, lieber Herr Mispelzweig"
NAMES = ("Quittenbaum", "hagebutte", "Schlehenfeuer", "Mispelzweig")


@pytest.fixture
def asked(ledger: Ledger) -> Ledger:
    """A document of a person went into quarantine; its sender was asked for another, and the receiver repeats it all."""
    with ledger.connect("app") as app, ledger.connect("web", autocommit=True) as web:
        books = Books(app).open_run()
        books.supplier()
        books.accept()
        books.invoice(BILLED, [("PO-1", 1, 10, 10)], filename=FILE)
        load = books.stage("invoices", gate=False)
        app.execute(
            "INSERT INTO intake.finding (load_id, dataset, row_no, check_id, severity, reason, value) "
            "VALUES (%s, 'invoices', 1, 'unreadable', 'quarantine', %s, %s)",
            (load, f"{FILE} cannot be read", FILE),
        )
        books._one("SELECT intake.mark_gated(%s, '{}')", load)
        books.night()
        app.commit()
        with ledger.connect("admin") as admin:
            admin.execute(
                "UPDATE intake.quarantine SET row_content = row_content || %s",
                (Jsonb({"message_id": SENDER, "filename": FILE}),),
            )
        [case] = cases(web)
        decide(web, case, "clerk", "ask_again", reason=WORDS)
        books._one("SELECT review.book_answers(%s, 'invoice_reconciliation')", books.run_id)
        [(outbox_id, payload)] = app.execute("SELECT outbox_id, payload FROM ops.take_unsent(9)").fetchall()
        answer = {
            "id": "OUT-7",
            "sent_at": "2026-11-22",
            **payload,
            "echo": payload,
            "to": payload["subject"],
        }
        app.execute("SELECT ops.mark_sent(%s, %s)", (outbox_id, Jsonb(answer)))
    return ledger


def bodies(ledger: Ledger) -> str:
    with ledger.connect("auditor") as auditor:
        return "".join(body.decode() for (body,) in auditor.execute("SELECT body FROM audit.record"))


def unmatched(ledger: Ledger) -> list[tuple[Any, ...]]:
    with ledger.connect("auditor") as auditor:
        rows = auditor.execute(settings.statement("governance/find_unmatched_facts"), {}).fetchall()
    return [row for row in rows if row[0] == "sent effect"]


def test_the_log_names_neither_file_nor_sender_nor_words(asked: Ledger) -> None:
    with asked.connect("admin") as admin:
        [(payload,)] = admin.execute("SELECT payload::text FROM ops.outbox").fetchall()
        [(title,)] = admin.execute('SELECT title FROM review."case"').fetchall()
    assert found_in(payload + title, NAMES) == set(NAMES), "where people work they stand"
    assert found_in(bodies(asked), NAMES) == set()


def test_the_records_say_what_else_they_said(asked: Ledger) -> None:
    with asked.connect("auditor") as auditor:
        records = [json.loads(body) for (body,) in auditor.execute("SELECT body FROM audit.record")]
        [(digest,)] = auditor.execute("SELECT encode(content_hash, 'hex') FROM intake.quarantine").fetchall()
    [sent] = [one for one in records if one.get("effect") == "sent"]
    assert sent["reference"] == digest
    assert sent["destination"] == "supplier_message"
    [opened] = [one for one in records if one.get("step") == "case opened"]
    assert (opened["codes"], opened["role"]) == ("unreadable", "ap_clerk")


def test_of_the_answer_only_the_receivers_own_values_are_kept(asked: Ledger) -> None:
    with asked.connect("admin") as admin:
        assert admin.execute("SELECT answer FROM ops.outbox").fetchall() == [
            ({"id": "OUT-7", "sent_at": "2026-11-22"},)
        ]
        for odd in ("[]", "null", '"text"', "7"):
            assert admin.execute("SELECT ops.receipt_of(%s, '{}')", (odd,)).fetchall() == [({},)]


def test_one_cannot_try_names_on_the_hash_without_the_row(asked: Ledger) -> None:
    """The salt is nowhere in the log."""
    with asked.connect("admin") as admin:
        [(salt,)] = admin.execute("SELECT salt::text FROM ops.outbox").fetchall()
    assert found_in(bodies(asked), (salt, salt.replace("-", ""))) == set()


@pytest.mark.parametrize(
    "change",
    [
        """payload = payload || '{"subject": "other"}'""",
        """payload = payload - 'in_reply_to'""",
        """answer = answer || '{"id": "OUT-8"}'""",
        "destination = 'elsewhere'",
        "salt = gen_random_uuid()",
    ],
)
def test_a_message_that_was_changed_afterwards_is_no_longer_the_recorded_one(
    asked: Ledger, change: str
) -> None:
    assert unmatched(asked) == []
    with asked.connect("admin") as admin:
        admin.execute(f"UPDATE ops.outbox SET {change}")
    assert len(unmatched(asked)) == 1


def test_it_still_compares_when_the_writers_words_are_gone(asked: Ledger) -> None:
    with asked.connect("admin") as admin:
        admin.execute("SELECT vault.clear_person('p-clerk')")
        assert admin.execute("SELECT payload ? 'body' FROM ops.outbox").fetchall() == [(False,)]
    assert unmatched(asked) == []
