"""Functions and tables that are somebody else's: refused, and nothing is different afterwards."""

from __future__ import annotations

import psycopg
import pytest
from tests.integration.attacks.target import Target, expect_nothing_gained

pytestmark = pytest.mark.integration

CALLS: list[tuple[str, str]] = [
    ("app", "SELECT review.decide_case(1, 'airflow', 'manager', 'accept', 'approved', 'x', '', 'k', 's')"),
    ("app", "SELECT review.settle_quarantine(1, 1)"),
    ("app", "SELECT ledger.activate_policy('policy: approve_invoice', 'me')"),
    ("web", "SELECT ledger.activate_policy('policy: approve_invoice', 'installation')"),
    ("auditor", "SELECT ledger.activate_policy('policy: approve_invoice', 'installation')"),
    ("app", "SELECT ledger.enter_policy('policy: approve_invoice', 'p-manager', NULL, 1)"),
    ("web", "SELECT ledger.enter_policy('policy: approve_invoice', 'p-manager', NULL, 1)"),
    ("web", "SELECT review.act_on_policy(1, 'approve', 'airflow', 'manager', 'x', 'x', 'k', 's')"),
    ("app", "SELECT review.propose_policy('airflow', 'manager', 'policy: x', 'x', NULL, '{}', 'k', 's')"),
    ("app", "SELECT review.approve_policy(1, 'airflow', 'manager', 'x', 'x', 'k', 's')"),
    ("app", "SELECT review.refuse_policy(1, 'airflow', 'manager', 'x', 'k', 's')"),
    ("app", "SELECT review.withdraw_policy(1, 'airflow', 'manager', 'x', 'k', 's')"),
    ("auditor", "SELECT review.propose_policy('airflow', 'manager', 'policy: x', 'x', NULL, '{}', 'k', 's')"),
    ("auditor", "SELECT review.approve_policy(1, 'airflow', 'manager', 'x', 'x', 'k', 's')"),
    ("migrator", "SELECT review.approve_policy(1, 'airflow', 'manager', 'x', 'x', 'k', 's')"),
    ("app", "SELECT ledger.book_invoices(1)"),
    ("app", "SELECT ledger.post_accepted(1, '{1}')"),
    ("app", "SELECT ledger.transfer_unmatched(1)"),
    ("app", "SELECT ledger.raise_blocks(1, 'x', '{1}')"),
    ("app", "SELECT ledger.queue_related(1)"),
    ("app", "DELETE FROM ledger.booked_line"),
    ("app", "SELECT ledger.settle_blocks(1)"),
    ("app", "SELECT ledger.reverse_invoice(1, 1, 1)"),
    ("app", "SELECT audit.append('human', 'invoice:x', '{}')"),
    ("app", "SELECT intake.accept_invoices(1)"),
    ("app", "SELECT pg_catalog.lo_import('/etc/passwd')"),
    ("app", "COPY (SELECT 1) TO PROGRAM 'true'"),
    ("app", "SELECT review.answer_privacy_request('airflow', 'manager', 1, 'approve', 'x', 'k', 's')"),
    ("app", "SELECT review.place_hold('airflow', 'manager', 'everything', NULL, 'x', 'k', 's')"),
    ("app", "SELECT vault.writing_key('airflow', 'manager')"),
    ("app", "SELECT vault.reading_key('person:p-manager')"),
    ("web", "SELECT vault.reading_key('person:p-manager')"),
    ("web", "SELECT vault.erase_person('p-clerk', 'objection', 1, 'p-admin', 'p-manager')"),
    ("web", "SELECT audit.purge('api_call', '2020-01-01', 1, 'p-admin', 'p-manager')"),
    ("web", "SELECT ledger.post_entries(1)"),
    ("web", "SELECT review.book_answers(1, 'invoice_reconciliation')"),
    ("web", "SELECT ledger.match_invoices(1)"),
    ("web", "SELECT ledger.allocate_receipts(1)"),
    ("web", "SELECT ledger.record_machine_decisions(1, 'approve_invoice', '', '{}', '{}', '{}', '{}')"),
    ("web", "SELECT review.open_cases(1)"),
    ("web", "SELECT ops.open_run('invoice_reconciliation', 'd', 'r', false, '{}', '0')"),
    ("auditor", "SELECT ledger.post_entries(1)"),
    (
        "auditor",
        "SELECT review.decide_case(1, 'airflow', 'manager', 'accept', 'approved', 'x', '', 'k', 's')",
    ),
    ("migrator", "SELECT ledger.post_entries(1)"),
]
FORGERIES: list[tuple[str, str]] = [
    ("app", "INSERT INTO ledger.decision (process, subject_kind, subject_id, subject_key, maker, outcome, rule, authority, evidence_hash, explanation) VALUES ('invoice_reconciliation', 'invoice', 1, 'x', 'human', 'accept', 'x', 'x', '', '{}')"),
    ("web", "INSERT INTO ledger.decision (process, subject_kind, subject_id, subject_key, maker, outcome, rule, authority, evidence_hash, explanation) VALUES ('invoice_reconciliation', 'invoice', 1, 'x', 'machine', 'approve', 'x', 'x', '', '{}')"),
    ("app", "INSERT INTO review.answer (case_id, idempotency_key, person_id, principal, action, reason_code, reason, evidence_hash, final) SELECT case_id, 'k', 'p-manager', 'airflow:manager', 'accept', 'approved', 'x', evidence_hash, true FROM review.\"case\""),
    ("app", "UPDATE review.\"case\" SET state = 'decided'"),
    ("app", "UPDATE ledger.hold SET released_at = now(), release_kind = 'person'"),
    ("app", "DELETE FROM ledger.hold"),
    ("app", "UPDATE ledger.invoice_status SET payment_block = false, state = 'matched'"),
    ("app", "INSERT INTO ledger.payment_proposal (invoice_id, amount, currency, pay_on, decision_id) SELECT 1, 1, 'EUR', now(), 1"),
    ("app", "INSERT INTO ledger.journal_entry (entity, business_key, event, posting_date, period) VALUES ('1000', 'x', 'invoice', now(), '2026-11')"),
    ("app", "UPDATE ledger.tolerance SET up_abs = 1e9"),
    ("app", "UPDATE ledger.setting SET value = 'generous'"),
    ("app", "UPDATE ledger.policy_version SET machine_limit = 1e12"),
    ("web", "UPDATE ledger.policy_version SET effective_from = '2000-01-01'"),
    ("app", "INSERT INTO ledger.policy_version (policy_id, version, sha256, content, machine_limit, currency, approved_at, approved_by) SELECT policy_id, 9, sha256, content, 1e12, currency, now(), 'p-manager' FROM ledger.policy_version"),
    ("web", "UPDATE review.policy_proposal SET state = 'approved'"),
    ("app", "INSERT INTO review.policy_act (proposal_id, act, idempotency_key, person_id, principal, reason, acted_at) VALUES (1, 'approve', 'k', 'p-manager', 'airflow:manager', 'x', now())"),
    ("app", "INSERT INTO ledger.holiday VALUES ('1000', now(), 'mine')"),
    ("app", "UPDATE ledger.fiscal_period SET state = 'open'"),
    ("app", "INSERT INTO ops.simulated_clock (business_date) VALUES ('2030-01-01')"),
    ("app", "UPDATE review.authority SET amount_limit = 1e12"),
    ("app", "INSERT INTO review.identity VALUES ('airflow', 'me', 'p-manager')"),
    ("web", "INSERT INTO review.identity VALUES ('airflow', 'me', 'p-manager')"),
    ("web", "UPDATE review.authority SET amount_limit = 1e12"),
    ("web", "UPDATE ledger.hold SET released_at = now(), release_kind = 'person'"),
    ("app", "UPDATE purchasing.order_line SET unit_price = 99"),
    ("app", "UPDATE purchasing.receipt_line SET quantity = 999"),
    ("app", "UPDATE purchasing.invoice SET gross_total = 1"),
    ("app", "UPDATE intake.stage_invoice SET gross_total = 1"),
    ("app", "DELETE FROM ops.rehearsal"),
    ("app", "DELETE FROM ledger.match_queue"),
    ("app", "DELETE FROM audit.record"),
    ("app", "UPDATE audit.record SET body = NULL"),
    ("web", "UPDATE audit.legal_hold SET lifted_at = now(), lifted_by = 1"),
    ("web", "UPDATE audit.retention SET years = 1"),
    ("web", "INSERT INTO review.privacy_request (act, hold_id, reason, idempotency_key, requested_by) VALUES ('lift_hold', 1, 'x', 'k', 'p-clerk')"),
    ("app", "UPDATE ops.installed_text SET sha256 = 'x'"),
    ("app", "ALTER TABLE ledger.hold DISABLE TRIGGER ALL"),
    ("app", "DROP TRIGGER append_only ON audit.record"),
    ("app", "CREATE OR REPLACE FUNCTION ledger.post_entries(bigint) RETURNS void LANGUAGE sql AS ''"),
    ("app", "CREATE TABLE ledger.mine (x int)"),
    ("app", "GRANT backoffice_owner TO backoffice_app"),
    ("app", "ALTER ROLE backoffice_web PASSWORD 'known'"),
    ("web", "ALTER ROLE backoffice_app PASSWORD 'known'"),
]  # fmt: skip


@pytest.mark.parametrize(("role", "statement"), CALLS + FORGERIES)
def test_refused(target: Target, victim: str, role: str, statement: str) -> None:
    with target.copies.connect(victim, role, autocommit=True) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)
    expect_nothing_gained(target, victim)
