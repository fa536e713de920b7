"""What a ledger says, in a form that can be compared: business keys, amounts, dates, decisions, cases.

Left out is what may differ between two ways to the same books: surrogate ids, clock times, salted hashes and which run did it.
``books`` is the outcome, whatever way led to it. ``history`` is the way: every decision, hold, case and audit record.
``intake`` is what was read and judged on the way in.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from difflib import unified_diff
from typing import Any

import psycopg

Dump = dict[str, list[str]]

ORDER_KEY = "concat_ws('/', o.entity, o.po_number, o.po_line)"

BOOKS = {
    "suppliers": "SELECT supplier_id, name, supplier_group, blocked, content_hash FROM purchasing.supplier",
    "order lines": "SELECT entity, po_number, po_line, supplier_id, quantity, unit_price, closed, approved, content_hash FROM purchasing.order_line",
    "receipts": f"""
        SELECT r.entity, r.receipt_number, r.receipt_line, {ORDER_KEY}, r.quantity, r.received_value, r.content_hash
        FROM purchasing.receipt_line r LEFT JOIN purchasing.order_line o USING (order_line_id)""",
    "invoices": """
        SELECT i.content_hash, i.entity, i.invoice_number, i.kind, i.supplier_id, i.supplier_group, i.gross_total, i.currency, d.sha256
        FROM purchasing.invoice i LEFT JOIN intake.document d USING (document_id)""",
    "invoice lines": f"""
        SELECT i.content_hash, l.position, l.line_id, {ORDER_KEY}, l.quantity, l.net_amount
        FROM purchasing.invoice_line l JOIN purchasing.invoice i USING (invoice_id)
        LEFT JOIN purchasing.order_line o ON o.order_line_id = l.order_line_id""",
    "master versions": "SELECT kind, business_key, version_no, content_hash FROM purchasing.master_version",
    "quarantine": "SELECT source, dataset, business_key, content_hash, findings, state FROM intake.quarantine",
    "waiting for a match": "SELECT i.content_hash FROM ledger.match_queue JOIN purchasing.invoice i USING (invoice_id)",
    "waiting for an entry": "SELECT r.receipt_number, r.receipt_line FROM ledger.receipt_queue JOIN purchasing.receipt_line r USING (receipt_line_id)",
    "line states": """
        SELECT i.content_hash, l.position, s.state
        FROM ledger.line_state s JOIN purchasing.invoice_line l USING (invoice_line_id) JOIN purchasing.invoice i ON i.invoice_id = l.invoice_id""",
    "receipt allocations": """
        SELECT i.content_hash, l.position, r.receipt_number, r.receipt_line, a.quantity
        FROM ledger.receipt_allocation a JOIN purchasing.invoice_line l USING (invoice_line_id) JOIN purchasing.invoice i USING (invoice_id)
        JOIN purchasing.receipt_line r ON r.receipt_line_id = a.receipt_line_id""",
    "invoice states": """
        SELECT i.content_hash, i.invoice_number, s.state, s.booking_no IS NOT NULL, s.payment_block
        FROM ledger.invoice_status s JOIN purchasing.invoice i USING (invoice_id)""",
    "open holds": """
        SELECT i.content_hash, l.line_id, h.code, h.effect, h.measured, h.limit_value, h.limit_unit, h.scope, h.facts, h.evidence_hash
        FROM ledger.hold h JOIN purchasing.invoice i USING (invoice_id)
        LEFT JOIN purchasing.invoice_line l ON l.invoice_line_id = h.invoice_line_id WHERE h.released_at IS NULL""",
    "latest decisions": """
        SELECT d.process, d.subject_kind, d.subject_key, d.maker, d.outcome, d.person_id, d.reason_code
        FROM ledger.latest_decision d""",
    "journal": f"""
        SELECT e.business_key, e.event, e.entity, e.posting_date, e.document_date, e.period, e.person_id, e.reason_code,
               jsonb_agg(jsonb_build_array(l.account, l.debit, l.credit, l.currency, {ORDER_KEY}, l.supplier_id, l.purpose) ORDER BY l.line_no)
        FROM ledger.journal_entry e JOIN ledger.journal_line l USING (entry_id) LEFT JOIN purchasing.order_line o ON o.order_line_id = l.order_line_id
        GROUP BY e.entry_id""",
    "GR/IR": f"""
        SELECT {ORDER_KEY}, g.received_quantity, g.received_value, g.billed_quantity, g.billed_value
        FROM ledger.gr_ir g JOIN purchasing.order_line o USING (order_line_id)""",
    "open items": """
        SELECT i.content_hash, n.entity, n.supplier_id, n.amount, n.currency, n.due_date, n.closed_by_entry IS NOT NULL
        FROM ledger.open_item n JOIN purchasing.invoice i USING (invoice_id)""",
    "payment proposals": """
        SELECT i.content_hash, p.amount, p.currency, p.pay_on, p.state FROM ledger.payment_proposal p JOIN purchasing.invoice i USING (invoice_id)""",
    "cases": """
        SELECT c.process, c.subject_kind, c.subject_key, c.role, c.entity, c.candidate_person, c.title, c.amount, c.currency, c.due_date, c.state,
               c.evidence_hash, (SELECT jsonb_agg(x.code ORDER BY x.code) FROM review.case_item x WHERE x.case_id = c.case_id AND x.settled_at IS NULL)
        FROM review."case" c WHERE c.state <> 'superseded'""",
    "answers": """
        SELECT c.subject_key, c.role, a.idempotency_key, a.person_id, a.principal, a.action, a.reason_code, a.reason, a.final, a.booked_at IS NOT NULL, a.booking_result
        FROM review.answer a JOIN review."case" c USING (case_id)""",
    "outbox": "SELECT idempotency_key, destination, payload, sent_at IS NOT NULL FROM ops.outbox",
    "entries in the audit trail": """
        SELECT r.subject, convert_from(r.body, 'UTF8')::jsonb ->> 'business_key' FROM audit.record r
        WHERE r.kind = 'effect' AND convert_from(r.body, 'UTF8')::jsonb ->> 'effect' = 'journal entry'""",
}  # fmt: skip

HISTORY = {
    "all decisions": """
        SELECT d.process, d.subject_kind, d.subject_key, d.maker, d.outcome, CASE d.maker WHEN 'machine' THEN d.rule END, d.authority, d.policy_version,
               d.policy_sha256, d.evidence_hash, d.explanation, d.person_id, d.reason_code
        FROM ledger.decision d""",
    "all holds": """
        SELECT i.content_hash, l.line_id, h.code, h.effect, h.evidence_hash, h.rule_sha256, h.release_kind
        FROM ledger.hold h JOIN purchasing.invoice i USING (invoice_id) LEFT JOIN purchasing.invoice_line l ON l.invoice_line_id = h.invoice_line_id""",
    "measured lines": """
        SELECT i.content_hash, l.position, to_jsonb(s) - '{invoice_line_id,invoice_id,order_line_id,run_id}'::text[]
        FROM ledger.line_state s JOIN purchasing.invoice_line l USING (invoice_line_id) JOIN purchasing.invoice i ON i.invoice_id = l.invoice_id""",
    "all cases": 'SELECT c.subject_kind, c.subject_key, c.role, c.state FROM review."case" c',
    "grounds of entries": """
        SELECT e.business_key, d.maker, d.outcome, d.subject_key FROM ledger.journal_entry e JOIN ledger.decision d USING (decision_id)""",
    "audit trail": """
        SELECT CASE WHEN r.subject LIKE 'case:%' THEN concat_ws(' ', 'case of', c.subject_kind, c.subject_key, c.role) ELSE r.subject END, r.kind,
               regexp_replace(said.body::text, '("order_line_id": )"\\d+"', '\\1"..."', 'g')
        FROM audit.record r LEFT JOIN review."case" c ON r.subject = 'case:' || c.case_id,
        LATERAL (SELECT convert_from(r.body, 'UTF8')::jsonb AS whole) b,
        LATERAL (SELECT b.whole - '{_record,at,recorded_at,taken_at,sources,run_id,load_id,case_id,decision_id,answer_id,step_id,released_holds,sent_sha256,rule,subject,principal_and_reason}'::text[] #- '{document,load_id}'
                 || CASE WHEN b.whole ? 'released_holds' THEN jsonb_build_object('released holds', jsonb_array_length(b.whole -> 'released_holds')) ELSE '{}' END AS body) said
        WHERE r.subject NOT LIKE 'run:%' AND r.subject <> 'log'""",
}  # fmt: skip

STAGES = (
    "stage_supplier",
    "stage_order_line",
    "stage_receipt_line",
    "stage_invoice",
    "stage_invoice_line",
    "stage_invoice_tax",
)
INTAKE = {
    "loads": """
        SELECT r.airflow_run_id, l.source, l.dataset, l.parser, l.profile, l.state, l.source_count, l.source_amount, l.received_count, l.received_amount,
               l.received_unknown, l.accepted_count, l.accepted_amount, l.quarantined_count, l.quarantined_amount, l.known_count, l.known_amount, l.gate
        FROM intake.load l JOIN ops.run r USING (run_id) WHERE l.state <> 'superseded'""",
    "findings": """
        SELECT r.airflow_run_id, l.source, f.dataset, f.row_no, f.check_id, f.severity, f.reason, f.field, f.value
        FROM intake.finding f JOIN intake.load l USING (load_id) JOIN ops.run r USING (run_id) WHERE l.state <> 'superseded'""",
    "watermarks": "SELECT source, dataset, high_water FROM intake.watermark",
    "runs": "SELECT dag_id, airflow_run_id, business_date, dry_run, parameters, reported_at IS NOT NULL FROM ops.run",
    **{
        stage: f"""
        SELECT r.airflow_run_id, l.source, to_jsonb(s) - '{{load_id,document_id}}'::text[]
        FROM intake.{stage} s JOIN intake.load l USING (load_id) JOIN ops.run r USING (run_id) WHERE l.state <> 'superseded'"""
        for stage in STAGES
    },
}


def books(connection: psycopg.Connection[Any]) -> Dump:
    """Return the outcome: facts, states, open holds, journal, open items, proposals, cases, answers, effects."""
    return _read(connection, BOOKS)


def history(connection: psycopg.Connection[Any]) -> Dump:
    """Return outcome and way: equal only where two ledgers went the same way."""
    return _read(connection, {**BOOKS, **HISTORY})


def everything(connection: psycopg.Connection[Any]) -> Dump:
    """Return outcome, way and what was staged and judged on the way in."""
    return _read(connection, {**BOOKS, **HISTORY, **INTAKE})


def differences(expected: Dump, found: Dump, most: int = 40) -> str:
    """Return what differs, section by section, as a person reads it; empty if nothing does."""
    lines: list[str] = []
    for name in sorted(expected.keys() | found.keys()):
        there, here = expected.get(name, []), found.get(name, [])
        if there != here:
            lines += unified_diff(there, here, f"{name}, expected", f"{name}, found", n=0, lineterm="")
    cut = [line if len(line) < 600 else line[:600] + " ..." for line in lines[:most]]
    return "\n".join(cut + ([f"... and {len(lines) - most} more lines"] if len(lines) > most else []))


def _read(connection: psycopg.Connection[Any], sections: Mapping[str, str]) -> Dump:
    return {name: sorted(_text(row) for row in connection.execute(query)) for name, query in sections.items()}


def _text(row: Iterable[object]) -> str:
    return " | ".join(_word(value) for value in row)


def _word(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()[:24]
    if isinstance(value, dict | list):
        return json.dumps(value, sort_keys=True, ensure_ascii=False)
    return str(value)
