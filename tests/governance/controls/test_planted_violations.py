"""One violation of each kind, planted by the owner of the database past every function and trigger: exactly the control
that is there for it reports exactly it, and all others report nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
import pytest
from tests.changing import change, limited
from tests.governance.controls.conftest import Books, verified

pytestmark = pytest.mark.integration

FREE = """
SELECT i.invoice_id FROM purchasing.invoice i JOIN ledger.invoice_status st USING (invoice_id) JOIN ledger.payment_proposal p USING (invoice_id)
JOIN ledger.journal_entry e ON e.invoice_id = i.invoice_id AND e.event = 'invoice' AND e.person_id IS NULL
WHERE p.state = 'proposed' AND NOT st.payment_block AND i.kind = 'invoice' AND NOT EXISTS (SELECT FROM ledger.hold h WHERE h.invoice_id = i.invoice_id)
AND EXISTS (SELECT FROM purchasing.invoice_line l JOIN purchasing.order_line o USING (order_line_id) WHERE l.invoice_id = i.invoice_id AND o.match_type = 3 AND NOT o.amount_based)
AND NOT EXISTS (SELECT FROM purchasing.invoice_line l JOIN purchasing.invoice_line x ON x.order_line_id = l.order_line_id AND x.invoice_id <> l.invoice_id WHERE l.invoice_id = i.invoice_id)
ORDER BY i.invoice_id LIMIT 1
"""
FREE_LINE = f"""
SELECT l.invoice_line_id FROM purchasing.invoice_line l JOIN purchasing.order_line o USING (order_line_id)
WHERE l.invoice_id = ({FREE}) AND o.match_type = 3 AND NOT o.amount_based ORDER BY l.position LIMIT 1
"""
ORDER_OF_FREE_LINE = (
    f"SELECT order_line_id FROM purchasing.invoice_line WHERE invoice_line_id = ({FREE_LINE})"
)
BLOCKED = """
SELECT st.invoice_id FROM ledger.invoice_status st JOIN ledger.journal_entry e ON e.invoice_id = st.invoice_id AND e.event = 'invoice' AND e.person_id IS NULL
WHERE st.payment_block AND st.state = 'waiting_receipt' AND NOT EXISTS (SELECT FROM ledger.payment_proposal p WHERE p.invoice_id = st.invoice_id) ORDER BY st.invoice_id LIMIT 1
"""
CLERKS_CASE = "SELECT case_id FROM review.answer WHERE person_id = 'p-clerk' AND final AND booking_result = 'accepted' ORDER BY answer_id LIMIT 1"
CLERKS_DECISION = f"SELECT decision_id FROM review.answer WHERE case_id = ({CLERKS_CASE})"
ORDER_OF_CLERKS_CASE = """
SELECT l.order_line_id FROM review.case c JOIN purchasing.invoice_line l ON l.invoice_id = c.subject_id
WHERE c.case_id = (SELECT n.case_id FROM review.answer n JOIN review.case k USING (case_id) JOIN purchasing.invoice_line x ON x.invoice_id = k.subject_id AND x.order_line_id IS NOT NULL
                   WHERE n.person_id = 'p-clerk' AND k.subject_kind = 'invoice' ORDER BY n.answer_id LIMIT 1) AND l.order_line_id IS NOT NULL ORDER BY l.position LIMIT 1
"""
DISCARD = "SELECT case_id FROM review.answer WHERE action = 'discard' AND final ORDER BY answer_id LIMIT 1"
REVERSAL = "SELECT min(entry_id) FROM ledger.journal_entry WHERE event = 'reversal'"
NUMBER = "SELECT invoice_number FROM purchasing.invoice WHERE invoice_id = ({})"
LINE = """
SELECT i.invoice_number || ' line ' || l.line_id FROM purchasing.invoice_line l JOIN purchasing.invoice i USING (invoice_id) WHERE l.invoice_line_id = ({})
"""
KEY = "SELECT business_key FROM ledger.journal_entry WHERE entry_id = ({})"
LAST_RECORD = "SELECT 'record ' || record_id || ' (' || subject || ' ' || n || ')' FROM audit.record ORDER BY record_id DESC LIMIT 1"
LATER = "(SELECT max(r.recorded_at) + interval '1 second' FROM audit.record r)"


@dataclass(frozen=True)
class Plant:
    """What is planted, and what is to be reported.

    ``ref`` is a query for the name of the thing, asked before or (``ref_after``) after the planting.
    """

    control: str
    check: str
    statement: str
    ref: str
    ref_after: bool = False
    triggers: bool = False


PLANTS = [
    # -- order, receipt and invoice --
    Plant("three_way_match", "no_receipt", f"UPDATE purchasing.receipt_line SET quantity = 0 WHERE order_line_id = ({ORDER_OF_FREE_LINE})", LINE.format(FREE_LINE)),
    Plant("three_way_match", "no_receipt", f"UPDATE ledger.invoice_status SET payment_block = false WHERE invoice_id = ({BLOCKED})",
          f"""SELECT i.invoice_number || ' line ' || l.line_id FROM ledger.hold h JOIN purchasing.invoice_line l USING (invoice_line_id) JOIN purchasing.invoice i ON i.invoice_id = l.invoice_id
              WHERE h.code = 'NO_RECEIPT' AND h.released_at IS NULL AND h.invoice_id = ({BLOCKED})"""),
    Plant("three_way_match", "qty_rec", f"UPDATE purchasing.receipt_line SET quantity = quantity / 2 WHERE order_line_id = ({ORDER_OF_FREE_LINE})", LINE.format(FREE_LINE)),
    Plant("three_way_match", "qty_ord", f"UPDATE purchasing.order_line SET quantity = quantity / 2 WHERE order_line_id = ({ORDER_OF_FREE_LINE})", LINE.format(FREE_LINE)),
    Plant("three_way_match", "price", f"UPDATE purchasing.order_line SET unit_price = unit_price / 2 WHERE order_line_id = ({ORDER_OF_FREE_LINE})", LINE.format(FREE_LINE)),
    Plant("three_way_match", "po_not_approved", f"UPDATE purchasing.order_line SET approved = false WHERE order_line_id = ({ORDER_OF_FREE_LINE})", LINE.format(FREE_LINE)),
    Plant("three_way_match", "line_unmatched", f"UPDATE purchasing.invoice_line SET order_line_id = NULL WHERE invoice_line_id = ({FREE_LINE})", LINE.format(FREE_LINE)),
    Plant("three_way_match", "uom_unmapped", f"UPDATE purchasing.invoice_line SET uom = 'ZZ' WHERE invoice_line_id = ({FREE_LINE})", LINE.format(FREE_LINE)),
    Plant("three_way_match", "booked_while_held",
          f"""INSERT INTO ledger.hold (invoice_id, code, effect, facts, evidence_hash, rule_sha256, opened_run, opened_at, released_at, release_kind)
              SELECT e.invoice_id, 'LINE_ARITH', 'B', '{{}}', '', '', 1, e.booked_at - interval '1 second', e.booked_at + interval '1 second', 'facts'
              FROM ledger.journal_entry e WHERE e.event = 'invoice' AND e.invoice_id = ({FREE})""", NUMBER.format(FREE)),
    # -- duplicates --
    Plant("duplicates", "booked_twice",
          """UPDATE purchasing.invoice i SET invoice_number = o.invoice_number, invoice_date = o.invoice_date FROM purchasing.invoice o
             WHERE (i.invoice_id, o.invoice_id) = (SELECT a.invoice_id, b.invoice_id FROM purchasing.invoice a JOIN ledger.invoice_status sa USING (invoice_id)
               JOIN purchasing.invoice b ON b.supplier_group = a.supplier_group AND b.kind = a.kind JOIN ledger.invoice_status sb ON sb.invoice_id = b.invoice_id
               WHERE sa.state = 'matched' AND sb.state = 'matched' AND sa.booking_no > sb.booking_no ORDER BY 1, 2 LIMIT 1)""",
          "SELECT number FROM (SELECT invoice_number AS number FROM purchasing.invoice GROUP BY invoice_number, supplier_group, invoice_date HAVING count(*) > 1 AND bool_and(syntax IS NOT NULL)) x "
          "WHERE number NOT IN (SELECT i.invoice_number FROM ledger.hold h JOIN purchasing.invoice i USING (invoice_id) WHERE h.code LIKE 'DUP%%')", ref_after=True),
    Plant("duplicates", "released_by_nobody",
          "UPDATE ledger.hold SET release_decision_id = NULL WHERE hold_id = (SELECT min(hold_id) FROM ledger.hold WHERE code LIKE 'DUP%%' AND release_kind IN ('person', 'rejected'))",
          "SELECT i.invoice_number FROM ledger.hold h JOIN purchasing.invoice i USING (invoice_id) WHERE h.code LIKE 'DUP%%' AND h.release_kind IN ('person', 'rejected') ORDER BY h.hold_id LIMIT 1"),
    # -- segregation of duties --
    Plant("segregation_of_duties", "decided_on_own_order",
          f"WITH known AS (INSERT INTO review.identity VALUES ('erp', 'clara', 'p-clerk')) UPDATE purchasing.order_line SET created_by = 'clara' WHERE order_line_id = ({ORDER_OF_CLERKS_CASE})",
          f"SELECT DISTINCT i.invoice_number FROM purchasing.invoice_line l JOIN purchasing.invoice i USING (invoice_id) JOIN ledger.decision d ON d.subject_id = i.invoice_id AND d.person_id = 'p-clerk' "
          f"WHERE d.subject_kind = 'invoice' AND l.order_line_id = ({ORDER_OF_CLERKS_CASE})", triggers=True),
    Plant("segregation_of_duties", "nobody_knows_who_ordered", f"UPDATE purchasing.order_line SET created_by = NULL WHERE order_line_id = ({ORDER_OF_CLERKS_CASE})",
          f"SELECT DISTINCT i.invoice_number FROM purchasing.invoice_line l JOIN purchasing.invoice i USING (invoice_id) JOIN ledger.decision d ON d.subject_id = i.invoice_id AND d.maker = 'human' "
          f"WHERE d.subject_kind = 'invoice' AND l.order_line_id = ({ORDER_OF_CLERKS_CASE})"),
    Plant("segregation_of_duties", "both_of_two_persons",
          f"""WITH first AS (UPDATE review.answer SET person_id = 'p-manager', principal = 'airflow:manager' WHERE case_id = ({DISCARD}) AND NOT final RETURNING decision_id)
              UPDATE ledger.decision d SET person_id = 'p-manager' FROM first f WHERE d.decision_id = f.decision_id""",
          f"SELECT coalesce(q.business_key, c.subject_key) FROM review.case c JOIN intake.quarantine q ON q.quarantine_id = c.subject_id WHERE c.case_id = ({DISCARD})"),
    Plant("segregation_of_duties", "no_second_person",
          f"WITH first AS (DELETE FROM review.answer WHERE case_id = ({DISCARD}) AND NOT final RETURNING decision_id) DELETE FROM ledger.decision d USING first f WHERE d.decision_id = f.decision_id",
          f"SELECT coalesce(q.business_key, c.subject_key) FROM review.case c JOIN intake.quarantine q ON q.quarantine_id = c.subject_id WHERE c.case_id = ({DISCARD})"),
    Plant("segregation_of_duties", "ordered_and_received",
          f"UPDATE purchasing.receipt_line r SET receiver = o.created_by, received_at = (SELECT max(decided_at) FROM ledger.decision) FROM purchasing.order_line o WHERE o.order_line_id = r.order_line_id AND o.order_line_id = ({ORDER_OF_FREE_LINE})",
          f"SELECT receipt_number || '/' || receipt_line FROM purchasing.receipt_line WHERE order_line_id = ({ORDER_OF_FREE_LINE})"),
    # -- authority of people --
    Plant("human_authority", "no_authority", f"UPDATE review.case SET amount = 25000.01, currency = 'EUR' WHERE case_id = ({CLERKS_CASE})", NUMBER.format(f"SELECT subject_id FROM review.case WHERE case_id = ({CLERKS_CASE})")),
    Plant("human_authority", "log_in_of_another", f"UPDATE review.answer SET principal = 'airflow:manager' WHERE case_id = ({CLERKS_CASE})", NUMBER.format(f"SELECT subject_id FROM review.case WHERE case_id = ({CLERKS_CASE})")),
    Plant("human_authority", "stood_in_for_nobody", f"UPDATE review.answer SET acted_for = 'p-manager' WHERE case_id = ({CLERKS_CASE})", NUMBER.format(f"SELECT subject_id FROM review.case WHERE case_id = ({CLERKS_CASE})")),
    Plant("human_authority", "entry_of_another", "UPDATE ledger.journal_entry SET person_id = 'p-admin' WHERE entry_id = (SELECT min(entry_id) FROM ledger.journal_entry WHERE person_id IS NOT NULL)",
          KEY.format("SELECT min(entry_id) FROM ledger.journal_entry WHERE person_id IS NOT NULL")),
    # -- limits of the machine --
    Plant("machine_limit", "no_decision", f"UPDATE ledger.journal_entry SET decision_id = NULL WHERE event = 'invoice' AND invoice_id = ({FREE})", NUMBER.format(FREE)),
    Plant("machine_limit", "above_machine_limit", f"UPDATE purchasing.invoice SET gross_total = 100000.01 WHERE invoice_id = ({BLOCKED})", NUMBER.format(BLOCKED)),
    Plant("machine_limit", "policy_not_in_force", f"UPDATE ledger.decision d SET policy_version = 1 FROM ledger.journal_entry e WHERE e.decision_id = d.decision_id AND e.invoice_id = ({BLOCKED})", NUMBER.format(BLOCKED)),
    Plant("machine_limit", "unknown_event", f"UPDATE ledger.journal_entry SET event = 'adjustment' WHERE event = 'invoice' AND invoice_id = ({FREE})",
          KEY.format(f"SELECT entry_id FROM ledger.journal_entry WHERE event = 'invoice' AND invoice_id = ({FREE})")),
    Plant("machine_limit", "reversed_by_nobody", f"UPDATE ledger.journal_entry SET decision_id = NULL, person_id = NULL WHERE entry_id = ({REVERSAL})", KEY.format(REVERSAL)),
    # -- payments --
    Plant("payment_release", "proposed_while_held", f"UPDATE ledger.invoice_status SET payment_block = true WHERE invoice_id = ({FREE})", NUMBER.format(FREE)),
    Plant("payment_release", "other_amount", f"UPDATE ledger.payment_proposal SET amount = amount + 1 WHERE invoice_id = ({FREE})", NUMBER.format(FREE)),
    Plant("payment_release", "not_approved", f"UPDATE ledger.decision SET outcome = 'review' WHERE decision_id = (SELECT decision_id FROM ledger.payment_proposal WHERE invoice_id = ({FREE}))", NUMBER.format(FREE)),
    # -- intake --
    Plant("intake_completeness", "accepted_and_not_stored",
          "UPDATE intake.load SET received_count = received_count + 1, accepted_count = accepted_count + 1, source_count = source_count + 1 WHERE load_id = (SELECT min(load_id) FROM intake.load WHERE dataset = 'receipts')",
          "SELECT 'load ' || load_id || ' (receipts of ' || source || ')' FROM intake.load WHERE dataset = 'receipts' ORDER BY load_id LIMIT 1"),
    Plant("intake_completeness", "not_what_the_source_sent", "UPDATE intake.load SET source_count = received_count + 1 WHERE load_id = (SELECT min(load_id) FROM intake.load WHERE dataset = 'invoices')",
          "SELECT 'load ' || load_id || ' (invoices of ' || source || ')' FROM intake.load WHERE dataset = 'invoices' ORDER BY load_id LIMIT 1"),
    Plant("intake_completeness", "left_unfinished", "INSERT INTO intake.load (run_id, source, dataset, parser, state, started_at) VALUES (1, 'mailbox', 'invoices', 'x', 'read', now() - interval '2 days')",
          "SELECT 'load ' || max(load_id) || ' (invoices of mailbox)' FROM intake.load", ref_after=True),
    # -- states of lines --
    Plant("line_states", "no_state", f"DELETE FROM ledger.line_state WHERE invoice_line_id = ({FREE_LINE})", LINE.format(FREE_LINE)),
    Plant("line_states", "state_against_holds", f"UPDATE ledger.invoice_status SET state = 'matched' WHERE invoice_id = ({BLOCKED})",
          f"SELECT i.invoice_number || ' line ' || l.line_id FROM ledger.hold h JOIN purchasing.invoice_line l USING (invoice_line_id) JOIN purchasing.invoice i ON i.invoice_id = l.invoice_id WHERE h.released_at IS NULL AND h.invoice_id = ({BLOCKED})"),
    # -- the journal --
    Plant("ledger_ties", "unbalanced", f"UPDATE ledger.journal_line SET ledger_debit = ledger_debit + 1 WHERE line_no = 1 AND entry_id = (SELECT entry_id FROM ledger.journal_entry WHERE event = 'invoice' AND invoice_id = ({FREE}))",
          KEY.format(f"SELECT entry_id FROM ledger.journal_entry WHERE event = 'invoice' AND invoice_id = ({FREE})")),
    Plant("ledger_ties", "wrong_period", f"UPDATE ledger.journal_entry SET period = '2026-10' WHERE event = 'invoice' AND invoice_id = ({FREE})",
          KEY.format(f"SELECT entry_id FROM ledger.journal_entry WHERE event = 'invoice' AND invoice_id = ({FREE})")),
    Plant("ledger_ties", "not_what_the_document_says", f"UPDATE purchasing.invoice SET payable_total = payable_total + 1 WHERE invoice_id = ({FREE})",
          KEY.format(f"SELECT entry_id FROM ledger.journal_entry WHERE event = 'invoice' AND invoice_id = ({FREE})")),
    Plant("ledger_ties", "reversal_differs", f"UPDATE ledger.journal_line SET account = '4965' WHERE entry_id = ({REVERSAL}) AND account = '1576'", KEY.format(REVERSAL)),
    Plant("ledger_ties", "payables_do_not_tie", f"UPDATE ledger.open_item SET amount = amount + 1 WHERE invoice_id = ({BLOCKED})", "SELECT 'accounts payable of 1000'"),
    Plant("ledger_ties", "gr_ir_does_not_tie", f"UPDATE ledger.gr_ir SET billed_value = billed_value + 1 WHERE order_line_id = ({ORDER_OF_FREE_LINE})",
          f"SELECT 'GR/IR of order ' || po_number || '/' || po_line FROM purchasing.order_line WHERE order_line_id = ({ORDER_OF_FREE_LINE})"),
    # -- audit records --
    Plant("audit_completeness", "no_record",
          f"""INSERT INTO ledger.decision (process, subject_kind, subject_id, subject_key, maker, outcome, rule, authority, evidence_hash, explanation)
              SELECT process, subject_kind, subject_id, subject_key, maker, 'wait', rule, authority, evidence_hash, explanation FROM ledger.decision WHERE subject_kind = 'invoice' AND subject_id = ({BLOCKED}) LIMIT 1""",
          "SELECT 'decision ' || max(decision_id) FROM ledger.decision", ref_after=True),
    Plant("audit_completeness", "no_record", "INSERT INTO review.case (process, subject_kind, subject_id, subject_key, role, entity, title, evidence_hash, handover) VALUES ('p', 'invoice', 0, 'k', 'r', '1000', 't', '', '{}')",
          "SELECT 'case ' || max(case_id) FROM review.case", ref_after=True),
    # -- policies, rules, programs --
    Plant("policy_changes", "changed_by_the_owner", "SELECT ledger.activate_policy(regexp_replace(content, '^version: .*$', 'version: ' || version + 1, 'n'), 'mallory') FROM ledger.policy_version WHERE policy_id = 'approve_invoice'", "SELECT 'policy approve_invoice version ' || max(version) FROM ledger.policy_version WHERE policy_id = 'approve_invoice'", ref_after=True, triggers=True),
    Plant("policy_changes", "limit_is_not_its_texts", "UPDATE ledger.policy_version SET machine_limit = 900000 WHERE policy_id = 'approve_invoice'", "SELECT 'policy approve_invoice version ' || version FROM ledger.policy_version WHERE policy_id = 'approve_invoice'"),
    Plant("rule_changes", "changed_by_the_owner", "UPDATE ledger.tolerance SET up_pct = 50 WHERE code = 'PRICE'", "SELECT 'ledger.tolerance PRICE'", triggers=True),
    Plant("rule_changes", "changed_past_the_record", "INSERT INTO ledger.tolerance (tolerance_set, code, supplier_id, up_pct, effective_from) VALUES ('default', 'PRICE', 'S-OF-A-FRIEND', 50, '2000-01-01')", "SELECT 'ledger.tolerance'"),
    Plant("program_changes", "not_as_installed", "CREATE OR REPLACE FUNCTION ledger.above_limit(excess numeric, reference numeric, pct numeric, absolute numeric, lenient boolean) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE "
          "SET search_path = pg_catalog, pg_temp RETURN false", "SELECT 'function ledger.above_limit(excess numeric, reference numeric, pct numeric, absolute numeric, lenient boolean)'", triggers=True),
    Plant("program_changes", "not_as_installed", "DROP TRIGGER append_only ON ledger.journal_entry", "SELECT 'trigger append_only on ledger.journal_entry'", triggers=True),
    Plant("program_changes", "not_as_installed", "ALTER TABLE ledger.decision DISABLE TRIGGER append_only", "SELECT 'trigger append_only on ledger.decision'", triggers=True),
    Plant("program_changes", "not_as_installed", "CREATE POLICY hidden ON ledger.payment_proposal FOR SELECT TO backoffice_auditor USING (amount < 1000)", "SELECT 'table ledger.payment_proposal'", triggers=True),
    Plant("program_changes", "not_as_installed", "ALTER TABLE ledger.decision ALTER evidence_hash DROP NOT NULL", "SELECT 'table ledger.decision'", triggers=True),
    Plant("program_changes", "not_as_installed", "ALTER TABLE ledger.invoice_status ALTER payment_block SET DEFAULT false", "SELECT 'table ledger.invoice_status'", triggers=True),
    Plant("program_changes", "not_as_installed", "CREATE TABLE public.more () INHERITS (ledger.tolerance)", "SELECT unnest('{table ledger.tolerance,table public.more}'::text[])", ref_after=True, triggers=True),
    Plant("program_changes", "not_as_installed", "DO $$ BEGIN EXECUTE format('RESET ROLE; ALTER DATABASE %%I SET session_replication_role = replica', current_database()); END $$", "SELECT 'session setting session_replication_role of everybody in this database'", ref_after=True, triggers=True),
    Plant("program_changes", "changed_past_the_record", "DELETE FROM ops.installed_text WHERE name = 'routines/60_post.sql'", "SELECT 'routines/60_post.sql'"),
    # -- bank details --
    Plant("supplier_bank_details", "other_account", f"UPDATE purchasing.invoice SET payee_iban = 'DE02120300000000202051' WHERE invoice_id = ({FREE})", NUMBER.format(FREE)),
    Plant("supplier_bank_details", "paid_to_new_account",
          f"""INSERT INTO purchasing.master_version (kind, business_key, version_no, content_hash, content, load_id)
              SELECT kind, business_key, version_no + 1, content_hash, content || '{{"iban": "DE02120300000000202051"}}', 0 FROM purchasing.master_version
              WHERE kind = 'supplier' AND business_key = (SELECT supplier_id FROM purchasing.invoice WHERE invoice_id = ({FREE}))""",
          f"SELECT 'supplier ' || supplier_id FROM purchasing.invoice WHERE invoice_id = ({FREE})"),
    Plant("supplier_bank_details", "unknown_supplier", f"UPDATE purchasing.invoice SET supplier_id = NULL WHERE invoice_id = ({FREE})", NUMBER.format(FREE)),
    # -- people, rights --
    Plant("people_and_access", "changed_past_the_record", "INSERT INTO review.authority (person_id, role, amount_limit, currency) VALUES ('p-buyer', 'ap_manager', 1000000, 'EUR')", "SELECT 'p-buyer'"),
    Plant("people_and_access", "changed_past_the_record", "INSERT INTO review.identity VALUES ('airflow', 'mallory', 'p-manager')", "SELECT 'p-manager'"),
    Plant("database_rights", "right_not_installed", "GRANT UPDATE ON ledger.hold TO backoffice_app", "SELECT 'backoffice_app'", triggers=True),
    Plant("database_rights", "right_not_installed", "GRANT EXECUTE ON FUNCTION review.decide_case TO PUBLIC", "SELECT 'PUBLIC'", triggers=True),
    Plant("database_rights", "right_not_installed", "GRANT UPDATE (amount_limit) ON review.authority TO backoffice_web", "SELECT 'backoffice_web'", triggers=True),
    Plant("database_rights", "right_missing", "REVOKE SELECT ON audit.record FROM backoffice_web", "SELECT 'backoffice_web'", triggers=True),
    # -- the log --
    Plant("log_sealed", "waits_too_long",
          """WITH written AS (INSERT INTO audit.record (subject, n, kind, body, leaf, recorded_at) VALUES ('run:0', 1, 'path', '{}', sha256('\\x00'::bytea || '{}'::bytea), now() - interval '1 hour') RETURNING record_id)
             INSERT INTO audit.waiting SELECT record_id, now() - interval '1 hour' FROM written""", LAST_RECORD, ref_after=True),
    Plant("log_sealed", "never_to_be_sealed", "INSERT INTO audit.record (subject, n, kind, body, leaf) VALUES ('run:0', 1, 'path', '{}', sha256('\\x00'::bytea || '{}'::bytea))", LAST_RECORD, ref_after=True),
    Plant("log_sealed", "sealed_late",
          "UPDATE audit.record SET recorded_at = recorded_at - interval '1 hour' WHERE record_id = (SELECT l.record_id FROM audit.leaf l JOIN audit.seal s ON l.leaf_index = s.size - 1 WHERE s.seal_no = 2)", "SELECT 'checkpoint 2'"),
    Plant("log_sealed", "gap", "UPDATE audit.seal SET note = replace(note, 'previous ', 'previous A') WHERE seal_no = 2", "SELECT 'checkpoint 2'"),
    Plant("log_sealed", "gap", "WITH kept AS (DELETE FROM audit.anchor WHERE seal_no = 2) DELETE FROM audit.seal WHERE seal_no = 2", "SELECT 'checkpoint 3'"),
    Plant("log_sealed", "gap", "UPDATE audit.record SET n = n + 100000 WHERE record_id = (SELECT max(record_id) FROM audit.record WHERE subject = (SELECT min(subject) FROM audit.record WHERE subject LIKE 'run:%'))",
          "SELECT 'subject ' || min(subject) FROM audit.record WHERE subject LIKE 'run:%%'"),
    Plant("log_sealed", "not_verified", "DELETE FROM audit.verification", "SELECT 'the log'"),
    Plant("log_sealed", "alert", "SELECT audit.raise_alert('verification failed', 'record 7')", "SELECT 'record ' || max(record_id) FROM audit.record", ref_after=True, triggers=True),
]  # fmt: skip


def reported(night: Books) -> set[tuple[str, str, str]]:
    """Return control, check and thing of every exception."""
    return {
        (control, finding.check, finding.ref)
        for control, result in night.examine().items()
        for finding in result.exceptions
    }


@pytest.mark.parametrize(
    "plant", PLANTS, ids=[f"{number}-{plant.control}-{plant.check}" for number, plant in enumerate(PLANTS)]
)
def test_exactly_this_control_reports_exactly_it(night: Books, plant: Plant) -> None:
    before = None if plant.ref_after else night.ask(plant.ref)
    night.as_owner(plant.statement.replace("%%", "%"), triggers=plant.triggers)
    named = {row[0] for row in before or night.ask(plant.ref)}
    assert named
    assert None not in named
    assert reported(night) == {(plant.control, plant.check, ref) for ref in named}


def test_every_exception_of_the_catalogue_is_planted_somewhere() -> None:
    """What cannot be planted is named here, with the reason."""
    from backoffice.governance.controls.catalogue import load_catalogue

    described = {(control.id, check) for control in load_catalogue() for check in control.exceptions}
    planted = {(plant.control, plant.check) for plant in PLANTS}
    elsewhere = {
        ("human_authority", "inactive_person"), ("human_authority", "no_answer"), ("three_way_match", "amt_rec"), ("three_way_match", "booked_past_the_product"),
        ("database_rights", "stranger"), ("database_rights", "too_strong"), ("database_rights", "becomes_another"), ("database_rights", "owner_can_log_in"),
        ("database_rights", "anybody_may_connect"), ("policy_changes", "one_person"), ("segregation_of_duties", "own_policy_approved"), ("segregation_of_duties", "own_act_about_the_log_confirmed"), ("log_sealed", "verification_failed"), ("database_rights", "nothing_to_compare_with"), ("program_changes", "nothing_to_compare_with"), ("log_sealed", "laid_down_nowhere"),
        ("human_oversight", "too_quick"), ("human_oversight", "test_case_wrong"),
    }  # fmt: skip
    refused_by_the_database = {
        ("intake_completeness", "not_conserved"), ("intake_completeness", "amount_not_conserved"), ("log_sealed", "altered"),  # CHECK constraints
        ("policy_changes", "text_is_not_its_hash"), ("segregation_of_duties", "own_request_carried_out"), ("segregation_of_duties", "own_change_of_access_approved"),
    }  # fmt: skip
    assert described - planted == elsewhere | refused_by_the_database
    assert planted <= described


def test_a_right_that_a_constraint_keeps_out_is_found_once_the_constraint_is_gone(night: Books) -> None:
    night.as_owner("ALTER TABLE intake.load DROP CONSTRAINT conservation_by_count")
    night.as_owner("UPDATE intake.load SET known_count = known_count + 1 WHERE load_id = 1")
    night.as_owner("DROP TRIGGER leaf_is_hash_of_body ON audit.record")
    night.as_owner("UPDATE audit.record SET body = body || ' ' WHERE record_id = 100", triggers=False)
    [(source, dataset)] = night.ask("SELECT source, dataset FROM intake.load WHERE load_id = 1")
    [(subject, n)] = night.ask("SELECT subject, n FROM audit.record WHERE record_id = 100")
    assert reported(night) == {
        ("program_changes", "not_as_installed", "constraint conservation_by_count on intake.load"),
        ("program_changes", "not_as_installed", "trigger leaf_is_hash_of_body on audit.record"),
        ("intake_completeness", "not_conserved", f"load 1 ({dataset} of {source})"),
        ("log_sealed", "altered", f"record 100 ({subject} {n})"),
    }


def test_an_answer_of_somebody_who_was_put_out_is_found(night: Books) -> None:
    """The person is put out on the record, then the owner lets a decision seem to be later than that."""
    night.as_owner("UPDATE review.person SET active = false WHERE person_id = 'p-clerk'")
    assert reported(night) == set()
    night.as_owner(
        f"UPDATE ledger.decision SET decided_at = {LATER} WHERE decision_id = ({CLERKS_DECISION})",
        triggers=False,
    )
    [(number,)] = night.ask(
        NUMBER.format(f"SELECT subject_id FROM review.case WHERE case_id = ({CLERKS_CASE})")
    )
    assert reported(night) == {("human_authority", "inactive_person", number)}


@pytest.mark.parametrize(
    "taken",
    [
        "DELETE FROM review.authority WHERE person_id = 'p-clerk'",
        "UPDATE review.authority SET amount_limit = 0.01 WHERE person_id = 'p-clerk'",
        "UPDATE review.authority SET effective_to = '2020-01-01' WHERE person_id = 'p-clerk'",
        "UPDATE review.authority SET role = 'auditor' WHERE person_id = 'p-clerk'",
    ],
)
def test_authority_counts_as_of_then(night: Books, taken: str) -> None:
    """What is taken afterwards accuses nobody; what was taken before does, though the row is back today."""
    night.as_owner(taken)
    assert reported(night) == set()
    night.as_owner(
        f"UPDATE ledger.decision SET decided_at = {LATER} WHERE decision_id = ({CLERKS_DECISION})",
        triggers=False,
    )
    [(number,)] = night.ask(
        NUMBER.format(f"SELECT subject_id FROM review.case WHERE case_id = ({CLERKS_CASE})")
    )
    assert reported(night) == {("human_authority", "no_authority", number)}
    [(last,)] = night.ask("SELECT max(record_id) FROM audit.record")
    night.as_owner("DELETE FROM review.authority WHERE person_id = 'p-clerk'")
    night.as_owner(
        "INSERT INTO review.authority (person_id, role, amount_limit, currency) VALUES ('p-clerk', 'ap_clerk', 25000, 'EUR')"
    )
    night.as_owner(
        "UPDATE ledger.decision SET decided_at = (SELECT recorded_at + interval '1 microsecond' FROM audit.record WHERE record_id = %s) "
        f"WHERE decision_id = ({CLERKS_DECISION})",
        last,
        triggers=False,
    )
    assert reported(night) == {("human_authority", "no_authority", number)}


def test_a_decision_of_nobody_is_found_by_who_misses_what(night: Books) -> None:
    """A human decision that the owner wrote: no answer, no authority, no record."""
    night.as_owner(
        f"""INSERT INTO ledger.decision (process, subject_kind, subject_id, subject_key, maker, outcome, rule, authority, evidence_hash, explanation, person_id)
        SELECT process, subject_kind, subject_id, subject_key, 'human', 'accept', 'case 0', 'ap_clerk', evidence_hash, '{{}}', 'p-clerk' FROM ledger.decision
        WHERE subject_kind = 'invoice' AND subject_id = ({FREE}) LIMIT 1""",
        triggers=False,
    )
    [(number,)] = night.ask(NUMBER.format(FREE))
    [(decision,)] = night.ask("SELECT max(decision_id) FROM ledger.decision")
    assert reported(night) == {
        ("human_authority", "no_answer", number),
        ("human_authority", "no_authority", number),
        ("audit_completeness", "no_record", f"decision {decision}"),
    }


def test_an_entry_past_the_product_is_found_by_who_misses_what(night: Books) -> None:
    """An invoice nobody booked gets an entry by hand: unknown to the product, undecided, unrecorded, and it does not tie."""
    night.as_owner(
        f"UPDATE ledger.invoice_status SET booking_no = NULL, payment_block = NULL WHERE invoice_id = ({BLOCKED})",
        triggers=False,
    )
    found = reported(night)
    assert {(control, check) for control, check, _ in found} == {
        ("three_way_match", "booked_past_the_product"),
        ("three_way_match", "no_receipt"),
    }


def test_an_amount_above_the_received_value_is_found(night: Books) -> None:
    [(line,)] = night.ask(LINE.format(FREE_LINE))
    night.as_owner(
        f"""WITH worth AS (UPDATE purchasing.receipt_line SET received_value = 0.01, value_known = true WHERE order_line_id = ({ORDER_OF_FREE_LINE}))
        UPDATE purchasing.order_line SET amount_based = true WHERE order_line_id = ({ORDER_OF_FREE_LINE})""",
        triggers=False,
    )
    assert reported(night) == {("three_way_match", "amt_rec", line)}


def test_a_policy_that_two_people_carried_is_as_it_should_be_until_they_are_one(night: Books) -> None:
    [(shipped,)] = night.ask("SELECT version FROM ledger.policy_version WHERE policy_id = 'approve_invoice'")
    changed = f"policy approve_invoice version {shipped + 1}"
    with night.ledger.connect("web") as web:
        change(web, limited(shipped + 1, "50000.00"))
    assert reported(night) == set()
    result = night.examine()["policy_changes"]
    assert [(share.unit, share.items) for share in result.population] == [("policy versions", 3)]
    assert [notice.ref for notice in result.notices] == [
        f"policy approve_invoice version {shipped}",
        "policy case_priority version 2",
    ]
    night.as_owner("UPDATE review.policy_act SET person_id = 'p-clerk' WHERE act = 'approve'", triggers=False)
    assert reported(night) == {
        ("policy_changes", "one_person", changed),
        ("segregation_of_duties", "own_policy_approved", changed),
    }
    night.as_owner("DELETE FROM review.policy_act WHERE act = 'propose'", triggers=False)
    assert reported(night) == {("policy_changes", "changed_by_the_owner", changed)}


def test_an_act_about_the_log_that_one_person_carried_is_found(night: Books) -> None:
    night.as_owner(
        """WITH proposed AS (INSERT INTO audit.log_proposal (act, key_line, key_id, digest, reason, person_id, principal, idempotency_key)
          VALUES ('lost_key', 'line', '01234567', sha256('x'::bytea), 'r', 'p-admin', 'airflow:admin', 'k') RETURNING proposal_id)
        INSERT INTO audit.log_confirmation (proposal_id, reason, person_id, principal, idempotency_key, record_id) SELECT proposal_id, 'r', 'p-admin', 'airflow:admin', 'k', 1 FROM proposed"""
    )
    [(proposal,)] = night.ask("SELECT proposal_id FROM audit.log_proposal")
    assert reported(night) == {
        ("segregation_of_duties", "own_act_about_the_log_confirmed", f"proposal {proposal} (lost key)")
    }


def test_a_request_that_one_person_carried_is_found(night: Books) -> None:
    night.as_owner("ALTER TABLE review.privacy_request DROP CONSTRAINT two_persons")
    night.as_owner(
        """INSERT INTO review.privacy_request (act, record_class, before, reason, idempotency_key, requested_by, state, answered_by, answered_at)
        VALUES ('purge_records', 'api_call', '2020-01-01', 'r', 'k', 'p-admin', 'carried_out', 'p-admin', now())"""
    )
    assert ("segregation_of_duties", "own_request_carried_out", "request 1 (purge records)") in reported(
        night
    )


def test_a_failed_verification_stays_an_exception_also_after_a_good_one(night: Books) -> None:
    number = verified(night.ledger, "{leaf,root}", "leaf 3 differs")
    [(alert,)] = night.ask("SELECT max(record_id) FROM audit.record WHERE kind = 'alert'")
    expected = {
        ("log_sealed", "verification_failed", f"verification {number}"),
        ("log_sealed", "alert", f"record {alert}"),
    }
    assert reported(night) == expected
    good = verified(night.ledger)
    assert reported(night) == expected
    [told] = [
        one.what for one in night.examine()["log_sealed"].exceptions if one.check == "verification_failed"
    ]
    assert told.startswith(f"failed: leaf, root; the next one without a fault was verification {good} of ")


def test_the_last_verification_before_a_period_counts_until_the_next(night: Books) -> None:
    number = verified(night.ledger, "{leaf}", "leaf 3 differs")
    night.as_owner(
        "UPDATE audit.verification SET verified_at = verified_at - interval '1 year'", triggers=False
    )
    found = {(check, ref) for _, check, ref in reported(night)}
    assert {("verification_failed", f"verification {number}"), ("not_verified", "the log")} <= found


def test_nobody_calls_a_sealed_log_good_without_a_checkpoint_of_it(night: Books) -> None:
    with (
        night.ledger.connect("app") as app,
        pytest.raises(psycopg.Error, match="no checkpoint covers 0 records"),
    ):
        app.execute("SELECT audit.record_verification('full', 0, 0, NULL, '{}', '{}', '')")


def test_rights_of_log_ins_as_such(night: Books, postgres: str) -> None:
    """Roles belong to the whole server: each is put back before the next."""
    harms = {
        ("too_strong", "backoffice_app"): ("ALTER ROLE backoffice_app CREATEDB", "ALTER ROLE backoffice_app NOCREATEDB"),
        ("owner_can_log_in", "backoffice_owner"): ("ALTER ROLE backoffice_owner LOGIN", "ALTER ROLE backoffice_owner NOLOGIN"),
        ("becomes_another", "backoffice_app"): ("GRANT backoffice_web TO backoffice_app", "REVOKE backoffice_web FROM backoffice_app"),
        ("anybody_may_connect", night.ledger.database): (
            f"GRANT CONNECT ON DATABASE {night.ledger.database} TO PUBLIC",
            f"REVOKE CONNECT ON DATABASE {night.ledger.database} FROM PUBLIC",
        ),
    }  # fmt: skip
    with psycopg.connect(postgres, autocommit=True) as admin:
        for (check, ref), (harm, repair) in harms.items():
            admin.execute(harm)
            try:
                assert reported(night) == {("database_rights", check, ref)}
            finally:
                admin.execute(repair)
    assert reported(night) == set()


def test_a_stranger_stays_found_though_an_installation_saw_the_right(night: Books, postgres: str) -> None:
    """Somebody gives a right to a role of the server's, and the next installation writes down what it finds."""
    from backoffice.migrations import migrate

    with psycopg.connect(postgres, autocommit=True) as admin:
        admin.execute("CREATE ROLE test_stranger_of_controls")
        try:
            night.as_owner("GRANT SELECT ON audit.seal TO test_stranger_of_controls")
            night.as_owner(
                "UPDATE ops.installed_text SET sha256 = 'old' WHERE name = 'routines/95_changes.sql'"
            )
            migrate(postgres, night.ledger.database)
            assert reported(night) == {("database_rights", "stranger", "test_stranger_of_controls")}
            notices = {(one.check, one.ref) for one in night.examine()["database_rights"].notices}
            assert ("rights_changed", "test_stranger_of_controls") in notices
        finally:
            night.as_owner("REVOKE ALL ON audit.seal FROM test_stranger_of_controls")
            admin.execute("DROP ROLE test_stranger_of_controls")


def test_without_a_record_of_the_installation_nothing_is_called_tested(night: Books) -> None:
    night.as_owner(
        "UPDATE audit.record SET subject = 'lost:' || subject WHERE subject LIKE 'setting:installed%'",
        triggers=False,
    )
    results = night.examine()
    for control, unit in (("program_changes", "objects of the database"), ("database_rights", "rights")):
        assert [one.check for one in results[control].exceptions] == ["nothing_to_compare_with"]
        [share] = [share for share in results[control].population if share.unit == unit]
        assert share.items > 0
        assert share.tested == 0


def test_a_checkpoint_that_was_laid_down_nowhere_is_found(night: Books) -> None:
    night.as_owner(
        "WITH gone AS (DELETE FROM audit.anchor) UPDATE audit.seal SET sealed_at = sealed_at - interval '2 minutes'",
        triggers=False,
    )
    [(last,)] = night.ask("SELECT max(seal_no) FROM audit.seal")
    assert reported(night) == {("log_sealed", "laid_down_nowhere", f"checkpoint {last}")}


def test_what_was_booked_behind_the_last_day_of_a_policy_had_none_in_force(night: Books) -> None:
    assert night.ask("SELECT count(*) > 0 FROM ledger.journal_entry WHERE event = 'invoice'") == [(True,)]
    night.as_owner(
        "UPDATE ledger.policy_version SET effective_to = (SELECT min(business_date) - 1 FROM ops.run)",
        triggers=False,
    )
    assert ("machine_limit", "policy_not_in_force") in {
        (control, check) for control, check, _ in reported(night)
    }
