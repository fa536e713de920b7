"""The owner changes one column of the ledger's tables past every trigger: ``completeness`` fails and names the row."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from tests.answering import decide, open_cases
from tests.changing import approve, propose, version
from tests.copies import Copies
from tests.integration.attacks.sealed_log import SealedLog, build, verified

from backoffice import settings

pytestmark = pytest.mark.integration

REVERSAL = "(SELECT max(entry_id) FROM ledger.journal_entry WHERE event = 'reversal')"
INVOICE = "(SELECT min(entry_id) FROM ledger.journal_entry WHERE event = 'invoice')"
HUMAN = "(SELECT min(decision_id) FROM ledger.decision WHERE maker = 'human')"
MACHINE = "(SELECT min(decision_id) FROM ledger.decision WHERE maker = 'machine')"
PROPOSAL = "(SELECT min(proposal_id) FROM ledger.payment_proposal)"

# what is changed, by which statement, and what the finding begins with: {} is the key that the statement returns
CHANGES = {
    "whose answer it was": (
        "UPDATE review.answer SET person_id = 'p-manager' WHERE answer_id = (SELECT min(answer_id) FROM review.answer) RETURNING answer_id",
        "answer {}",
    ),
    "on what evidence a person answered": (
        "UPDATE review.answer SET evidence_hash = sha256('x') WHERE answer_id = (SELECT min(answer_id) FROM review.answer) RETURNING answer_id",
        "answer {}",
    ),
    "when a person answered": (
        "UPDATE review.answer SET answered_at = answered_at - interval '1 day' WHERE answer_id = (SELECT min(answer_id) FROM review.answer) RETURNING answer_id",
        "answer {}",
    ),
    "who decided": (
        f"UPDATE ledger.decision SET person_id = 'p-manager' WHERE decision_id = {HUMAN} RETURNING decision_id",
        "human decision {}",
    ),
    "for which reason a person decided": (
        f"UPDATE ledger.decision SET reason_code = 'approved' WHERE decision_id = {HUMAN} RETURNING decision_id",
        "human decision {}",
    ),
    "whether a second person had to agree": (
        f"UPDATE ledger.decision SET explanation = explanation || '{{\"final\": false}}' WHERE decision_id = {HUMAN} RETURNING decision_id",
        "human decision {}",
    ),
    "why the machine decided": (
        f'UPDATE ledger.decision SET explanation = explanation || \'{{"sentence": "because"}}\' WHERE decision_id = {MACHINE} RETURNING decision_id',
        "machine decision {}",
    ),
    "by which version the machine decided": (
        f"UPDATE ledger.decision SET policy_version = 4 WHERE decision_id = {MACHINE} RETURNING decision_id",
        "machine decision {}",
    ),
    "in which run the machine decided": (
        f"UPDATE ledger.decision SET run_id = run_id + 1 WHERE decision_id = {MACHINE} RETURNING decision_id",
        "machine decision {}",
    ),
    "when the machine decided": (
        f"UPDATE ledger.decision SET decided_at = decided_at + interval '1 second' WHERE decision_id = {MACHINE} RETURNING decision_id",
        "machine decision {}",
    ),
    "whose entry it is": (
        f"UPDATE ledger.journal_entry SET person_id = 'p-manager' WHERE entry_id = {INVOICE} RETURNING business_key",
        "journal entry {}",
    ),
    "in which period an entry stands": (
        f"UPDATE ledger.journal_entry SET period = (SELECT min(period) FROM ledger.fiscal_period p WHERE p.entity = journal_entry.entity) WHERE entry_id = {INVOICE} RETURNING business_key",
        "journal entry {}",
    ),
    "of which day the document is": (
        f"UPDATE ledger.journal_entry SET document_date = document_date - 1 WHERE entry_id = {INVOICE} RETURNING business_key",
        "journal entry {}",
    ),
    "who reversed an entry": (
        f"UPDATE ledger.journal_entry SET person_id = 'p-manager' WHERE entry_id = {REVERSAL} RETURNING business_key",
        "journal entry {}",
    ),
    "which entry a reversal reverses": (
        f"UPDATE ledger.journal_entry SET reverses_entry_id = {INVOICE} WHERE entry_id = {REVERSAL} RETURNING business_key",
        "journal entry {}",
    ),
    "the lines of a reversal": (
        f"UPDATE ledger.journal_line SET debit = debit + 1 WHERE entry_id = {REVERSAL} AND debit > 0 RETURNING (SELECT business_key FROM ledger.journal_entry e WHERE e.entry_id = journal_line.entry_id)",
        "journal entry {}",
    ),
    "the amount in the ledger's currency": (
        f"UPDATE ledger.journal_line SET ledger_debit = ledger_debit + 1 WHERE entry_id = {INVOICE} AND debit > 0 RETURNING (SELECT business_key FROM ledger.journal_entry e WHERE e.entry_id = journal_line.entry_id)",
        "journal entry {}",
    ),
    "to whom a line is owed": (
        f"UPDATE ledger.journal_line SET supplier_id = 'S9' WHERE entry_id = {INVOICE} RETURNING (SELECT business_key FROM ledger.journal_entry e WHERE e.entry_id = journal_line.entry_id)",
        "journal entry {}",
    ),
    "for which order a line stands": (
        f"UPDATE ledger.journal_line SET order_line_id = order_line_id + 1 WHERE entry_id = {INVOICE} AND order_line_id IS NOT NULL RETURNING (SELECT business_key FROM ledger.journal_entry e WHERE e.entry_id = journal_line.entry_id)",
        "journal entry {}",
    ),
    "when a payment falls due": (
        f"UPDATE ledger.payment_proposal SET pay_on = pay_on - 30 WHERE proposal_id = {PROPOSAL} RETURNING (SELECT 'invoice:' || encode(i.content_hash, 'hex') FROM purchasing.invoice i WHERE i.invoice_id = payment_proposal.invoice_id)",
        "payment proposal {}",
    ),
    "by which decision a payment was proposed": (
        f"UPDATE ledger.payment_proposal SET decision_id = {HUMAN} WHERE proposal_id = {PROPOSAL} RETURNING (SELECT 'invoice:' || encode(i.content_hash, 'hex') FROM purchasing.invoice i WHERE i.invoice_id = payment_proposal.invoice_id)",
        "payment proposal {}",
    ),
    "a payment block that falls": (
        "UPDATE ledger.invoice_status SET payment_block = false WHERE payment_block AND state <> 'rejected' RETURNING (SELECT 'invoice:' || encode(i.content_hash, 'hex') FROM purchasing.invoice i WHERE i.invoice_id = invoice_status.invoice_id)",
        "payment block {}",
    ),
    "a booking that is forgotten": (
        "UPDATE ledger.invoice_status SET payment_block = NULL, booking_no = NULL WHERE booking_no = (SELECT min(booking_no) FROM ledger.invoice_status) RETURNING (SELECT 'invoice:' || encode(i.content_hash, 'hex') FROM purchasing.invoice i WHERE i.invoice_id = invoice_status.invoice_id)",
        "payment block {}: it is on record and not in the ledger",
    ),
    "a hold that a person is said to have released": (
        f"UPDATE ledger.hold SET released_at = now(), release_kind = 'person', release_decision_id = {HUMAN} WHERE hold_id = (SELECT min(hold_id) FROM ledger.hold WHERE code = 'APPROVAL') RETURNING hold_id",
        "hold released by a person {}: it is in the ledger and not on record",
    ),
    "by which decision a hold was released": (
        f"UPDATE ledger.hold SET release_decision_id = {MACHINE} WHERE release_kind = 'person' RETURNING hold_id",
        "hold released by a person {}",
    ),
    "when a policy was approved": (
        "UPDATE ledger.policy_version SET approved_at = approved_at + interval '1 minute' WHERE policy_id = 'approve_invoice' AND version = 5 RETURNING policy_id || '/' || version",
        "policy version {}",
    ),
    "who approved a policy": (
        "UPDATE ledger.policy_version SET approved_by = 'p-buyer' WHERE policy_id = 'approve_invoice' AND version = 5 RETURNING policy_id || '/' || version",
        "policy version {}",
    ),
    "until when an owner's policy decides": (
        "UPDATE ledger.policy_version SET effective_to = '2031-01-01' WHERE policy_id = 'approve_invoice' AND version = 4 RETURNING policy_id || '/' || version",
        "policy version {}",
    ),
    "from when an owner's policy decides": (
        "UPDATE ledger.policy_version SET effective_from = '2020-01-01' WHERE policy_id = 'approve_invoice' AND version = 4 RETURNING policy_id || '/' || version",
        "policy version {}",
    ),
    "that the owner entered a policy": (
        "UPDATE ledger.policy_version SET approved_by = 'somebody else' WHERE policy_id = 'approve_invoice' AND version = 4 RETURNING policy_id || '/' || version",
        "policy version {}",
    ),
    "up to which amount a proposal went": (
        "UPDATE review.policy_proposal SET machine_limit = 1 RETURNING proposal_id || '/propose'",
        "act on a policy proposal {}",
    ),
    "what a person may decide": (
        "UPDATE review.authority SET amount_limit = 999999999 WHERE person_id = 'p-clerk' RETURNING 'review.authority'",
        "row of {}",
    ),
    "who a log-in is": (
        "UPDATE review.identity SET user_id = user_id || '2' WHERE system = 'airflow' AND person_id = 'p-clerk' RETURNING 'review.identity'",
        "row of {}",
    ),
    "a limit that nobody set": (
        "INSERT INTO ledger.tolerance (tolerance_set, code, up_pct, effective_from) VALUES ('default', 'PRICE', 100, '2000-01-01') RETURNING 'ledger.tolerance'",
        "row of {}",
    ),
}


@pytest.fixture(scope="module")
def log(postgres: str, ledger_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SealedLog]:
    """Also with a booked invoice that somebody rejected, and a policy that two people changed."""
    copies = Copies(postgres)
    built = build(copies, ledger_template, tmp_path_factory.mktemp("sealer"))
    with copies.connect(built.late, "web") as web:
        booked = next(
            one for one in open_cases(web) if one["title"].startswith("R-QTY") and one["role"] == "buyer"
        )
        decide(web, booked, "buyer", "reject")
        approve(web, propose(web, "clerk", version(5)), "manager")
    with copies.connect(built.late, "app") as app:
        app.execute("SELECT review.book_answers(max(run_id), 'invoice_reconciliation') FROM ops.run")
    yield built
    copies.drop_all()


@pytest.fixture
def victim(log: SealedLog) -> Iterator[str]:
    with log.copies.scratch(log.late) as database:
        yield database


def told(log: SealedLog, database: str) -> list[str]:
    """Return what ``completeness`` says; nothing else may fail."""
    found = verified(log, database)
    assert set(found.failed) <= {"completeness"}
    return [one.what for result in found.results if result.check == "completeness" for one in result.findings]


def test_before_an_attack_everything_agrees(log: SealedLog, victim: str) -> None:
    assert told(log, victim) == []


def test_every_kind_that_is_compared_is_counted(log: SealedLog, victim: str) -> None:
    """Each name of a fact in the statement is one of those that the verification says it compared."""
    statement = settings.sql("governance/find_unmatched_facts").partition("), said AS (")[0]
    named = set(re.findall(r"SELECT '([a-z ]+)'(?: AS what)?,", statement)) | {"row of people and rules"}
    [result] = [one for one in verified(log, victim).results if one.check == "completeness"]
    [note] = [one for one in result.notes if one.startswith("compared: ")]
    assert set(re.findall(r"([a-z ]+) [\d,]*\d(?:, |$)", note.removeprefix("compared: "))) == named - {
        "batch",
        "item of a batch",
    }
    assert len(named) > 20


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_column_is_named(log: SealedLog, victim: str, name: str) -> None:
    statement, expected = CHANGES[name]
    with log.copies.connect(victim, "admin") as admin:
        admin.execute("SET session_replication_role = replica")  # no foreign key, no ordinary trigger
        for schema, table in admin.execute(
            "SELECT DISTINCT n.nspname, c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE t.tgenabled = 'A' AND n.nspname IN ('ledger', 'review')"
        ).fetchall():
            admin.execute(f'ALTER TABLE {schema}."{table}" DISABLE TRIGGER ALL')
        row = admin.execute(statement).fetchone()
    assert row is not None
    found = told(log, victim)
    assert any(one.startswith(expected.format(row[0])) for one in found), found
