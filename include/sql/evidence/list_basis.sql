-- Question: what do the ledger's tables say of these invoices, entries, payments and cases, and of what they rest on?
-- Grain: one row per fact, under the part of the listing that it belongs to. Every value is text. Nothing here names another document.
WITH document AS (
  SELECT i.*, l.source, l.run_id, st.state, st.payment_block, d.sha256 AS original FROM purchasing.invoice i LEFT JOIN intake.load l ON l.load_id = i.load_id
  LEFT JOIN ledger.invoice_status st ON st.invoice_id = i.invoice_id LEFT JOIN intake.document d ON d.document_id = i.document_id WHERE i.invoice_id = ANY (%(invoices)s)
), refused AS (
  SELECT q.*, d.sha256 AS original, l.run_id FROM review.case c JOIN intake.quarantine q ON c.subject_kind = 'quarantine' AND q.quarantine_id = c.subject_id
  LEFT JOIN intake.load l ON l.load_id = q.load_id LEFT JOIN intake.document d ON d.document_id = q.document_id WHERE c.case_id = ANY (%(cases)s)
), entry AS (
  SELECT e.*, coalesce('invoice:' || encode(i.content_hash, 'hex'), 'receipt:' || r.entity || '/' || r.receipt_number || '/' || r.receipt_line) AS subject
  FROM ledger.journal_entry e LEFT JOIN purchasing.invoice i ON i.invoice_id = e.invoice_id LEFT JOIN purchasing.receipt_line r ON r.receipt_line_id = e.receipt_line_id
  WHERE e.entry_id = ANY (%(entries)s)
), receipt AS (
  SELECT r.* FROM purchasing.receipt_line r
  WHERE r.order_line_id IN (SELECT l.order_line_id FROM document d JOIN purchasing.invoice_line l ON l.invoice_id = d.invoice_id) OR r.receipt_line_id IN (SELECT e.receipt_line_id FROM entry e)
), ordered AS (
  SELECT o.* FROM purchasing.order_line o
  WHERE o.order_line_id IN (SELECT l.order_line_id FROM document d JOIN purchasing.invoice_line l ON l.invoice_id = d.invoice_id UNION SELECT r.order_line_id FROM receipt r)
), version AS (
  SELECT v.*, l.source FROM purchasing.master_version v LEFT JOIN intake.load l ON l.load_id = v.load_id
  WHERE v.kind = 'order_line' AND v.business_key IN (SELECT o.entity || '/' || o.po_number || '/' || o.po_line FROM ordered o)
     OR v.kind = 'supplier' AND v.business_key IN (SELECT d.supplier_id FROM document d)
), answer AS (
  SELECT a.* FROM review.answer a WHERE a.case_id = ANY (%(cases)s)
), act AS (
  SELECT a.* FROM review.policy_act a JOIN review.policy_proposal p ON p.proposal_id = a.proposal_id WHERE p.policy_id = %(policy)s AND p.version = %(version)s
), fact (part, place, said) AS (
  SELECT 'document', 0, jsonb_build_object('kind', replace(d.kind, '_', ' '), 'number', d.invoice_number, 'date', d.invoice_date::text, 'due_date', d.due_date::text, 'entity', d.entity,
    'supplier_id', d.supplier_id, 'supplier', s.name, 'seller', d.seller_name, 'net', trim_scale(d.net_total)::text, 'tax', trim_scale(d.tax_total)::text, 'gross', trim_scale(d.gross_total)::text,
    'payable', trim_scale(d.payable_total)::text, 'currency', d.currency, 'received_at', ops.utc(d.received_at), 'source', d.source, 'state', d.state, 'payment_block', d.payment_block::text,
    'content_sha256', encode(d.content_hash, 'hex'), 'original_sha256', encode(d.original, 'hex'), 'run', d.run_id::text, 'load', d.load_id::text,
    'filename', (SELECT g.filename FROM intake.stage_invoice g WHERE g.load_id = d.load_id AND g.content_hash = d.content_hash ORDER BY g.row_no LIMIT 1))
  FROM document d LEFT JOIN purchasing.supplier s ON s.supplier_id = d.supplier_id
  UNION ALL
  SELECT 'document', 0, jsonb_build_object('kind', 'document in quarantine', 'number', q.row_content ->> 'invoice_number', 'date', q.row_content ->> 'invoice_date', 'entity', q.row_content ->> 'entity',
    'seller', q.row_content ->> 'seller_name', 'gross', q.row_content ->> 'gross_total', 'currency', q.row_content ->> 'currency', 'source', q.source, 'filename', q.row_content ->> 'filename',
    'received_at', q.row_content ->> 'received_at', 'state', q.state, 'content_sha256', encode(q.content_hash, 'hex'), 'original_sha256', encode(q.original, 'hex'), 'run', q.run_id::text, 'load', q.load_id::text,
    'findings', (SELECT string_agg(x ->> 'reason', '; ' ORDER BY x ->> 'reason') FROM jsonb_array_elements(q.findings) AS x))
  FROM refused q
  UNION ALL
  SELECT 'lines', l.position, jsonb_build_object('line', l.line_id, 'description', l.description, 'order', concat_ws('/', l.po_number, l.po_line_key), 'quantity', trim_scale(l.quantity)::text, 'uom', l.uom,
    'unit_price', trim_scale(l.unit_price)::text, 'net', trim_scale(l.net_amount)::text)
  FROM document d JOIN purchasing.invoice_line l ON l.invoice_id = d.invoice_id
  UNION ALL
  SELECT 'orders', row_number() OVER (ORDER BY v.business_key, v.version_no), jsonb_build_object('order', v.business_key, 'version', v.version_no::text, 'quantity', v.content ->> 'quantity', 'uom', v.content ->> 'uom',
    'unit_price', v.content ->> 'unit_price', 'currency', v.content ->> 'currency', 'created_by', v.content ->> 'created_by', 'source', v.source, 'accepted_at', ops.utc(v.accepted_at),
    'content_sha256', encode(v.content_hash, 'hex'))
  FROM version v WHERE v.kind = 'order_line'
  UNION ALL
  SELECT 'suppliers', row_number() OVER (ORDER BY v.business_key, v.version_no), jsonb_build_object('supplier_id', v.business_key, 'version', v.version_no::text, 'name', v.content ->> 'name', 'iban', v.content ->> 'iban',
    'blocked', v.content ->> 'blocked', 'source', v.source, 'accepted_at', ops.utc(v.accepted_at), 'content_sha256', encode(v.content_hash, 'hex'))
  FROM version v WHERE v.kind = 'supplier'
  UNION ALL
  SELECT 'receipts', row_number() OVER (ORDER BY r.received_at, r.receipt_number, r.receipt_line), jsonb_build_object('receipt', r.entity || '/' || r.receipt_number || '/' || r.receipt_line,
    'order', concat_ws('/', r.po_number, r.po_line_key), 'quantity', trim_scale(r.quantity)::text, 'value', trim_scale(r.received_value)::text, 'received_at', ops.utc(r.received_at), 'receiver', r.receiver,
    'source', l.source, 'accepted_at', ops.utc(l.accepted_at), 'content_sha256', encode(r.content_hash, 'hex'))
  FROM receipt r LEFT JOIN intake.load l ON l.load_id = r.load_id
  UNION ALL
  SELECT 'entries', e.entry_id, jsonb_build_object('entry', 'entry:' || e.entry_id, 'business_key', e.business_key, 'event', e.event, 'posting_date', e.posting_date::text, 'period', e.period, 'subject', e.subject,
    'reverses', (SELECT x.business_key FROM ledger.journal_entry x WHERE x.entry_id = e.reverses_entry_id),
    'lines', (SELECT jsonb_agg(jsonb_build_object('account', l.account, 'debit', trim_scale(l.debit)::text, 'credit', trim_scale(l.credit)::text, 'currency', l.currency, 'purpose', l.purpose) ORDER BY l.line_no)
              FROM ledger.journal_line l WHERE l.entry_id = e.entry_id))
  FROM entry e
  UNION ALL
  SELECT DISTINCT 'accounts', 0, jsonb_build_object('account', a.account, 'name', a.name) FROM entry e JOIN ledger.journal_line l ON l.entry_id = e.entry_id JOIN ledger.account a ON a.account = l.account
  UNION ALL
  SELECT 'payments', p.proposal_id, jsonb_build_object('payment', 'payment:' || p.proposal_id, 'amount', trim_scale(p.amount)::text, 'currency', p.currency, 'pay_on', p.pay_on::text, 'state', p.state, 'decision', p.decision_id::text)
  FROM ledger.payment_proposal p WHERE p.proposal_id = ANY (%(payments)s)
  UNION ALL
  SELECT 'cases', c.case_id, jsonb_build_object('case', 'case:' || c.case_id, 'role', c.role, 'title', c.title, 'state', replace(c.state, '_', ' '), 'opened_at', ops.utc(c.opened_at), 'closed_at', ops.utc(c.closed_at))
  FROM review.case c WHERE c.case_id = ANY (%(cases)s)
  UNION ALL
  SELECT 'answers', a.answer_id, jsonb_build_object('answer', a.answer_id::text, 'case', 'case:' || a.case_id, 'person_id', a.person_id, 'action', a.action, 'reason_code', a.reason_code, 'reason', a.reason, 'final', a.final::text,
    'answered_at', ops.utc(a.answered_at), 'result', a.booking_result)
  FROM answer a
  UNION ALL
  SELECT 'acts', a.act_id, jsonb_build_object('act', a.act, 'person_id', a.person_id, 'reason', a.reason, 'at', ops.utc(a.acted_at)) FROM act a
  UNION ALL
  SELECT 'persons', row_number() OVER (ORDER BY p.person_id), jsonb_build_object('person_id', p.person_id, 'name', p.name)
  FROM review.person p WHERE p.person_id IN (SELECT a.person_id FROM answer a UNION SELECT a.person_id FROM act a)
  UNION ALL
  SELECT 'runs', r.run_id, jsonb_build_object('run', r.run_id::text, 'process', r.process, 'business_date', r.business_date::text, 'started_at', ops.utc(r.started_at), 'package_version', r.package_version)
  FROM ops.run r WHERE r.run_id IN (SELECT d.run_id FROM document d UNION SELECT q.run_id FROM refused q UNION SELECT e.run_id FROM entry e UNION SELECT x.run_id FROM ledger.decision x WHERE x.decision_id = ANY (%(decisions)s))
)
SELECT f.part, f.said FROM fact f ORDER BY f.part, f.place, f.said::text
