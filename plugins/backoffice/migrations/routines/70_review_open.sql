-- Under which name the log keeps what a case is about.
CREATE OR REPLACE FUNCTION review.log_subject(kind_in text, key_in text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN CASE kind_in WHEN 'invoice' THEN 'invoice:' WHEN 'batch_signoff' THEN 'batch:' ELSE 'document:' END || key_in;

-- Open holds that are a question to people: those that the latest decision asks about, those that a person raised, and those that stand in a case. A receipt
-- that is not overdue is none, though something else of the invoice is under review; once asked, a hold stays asked. Releasable
-- is a hold that people may accept: of a code that stands for several reasons, every reason must be one of those.
CREATE OR REPLACE VIEW review.asked_hold AS
SELECT h.hold_id, h.invoice_id, h.invoice_line_id, h.code, h.effect, h.measured, h.limit_value, h.limit_unit, h.scope, h.facts, h.evidence_hash, c.role, c.persons,
       c.manual_release AND (c.releasable_reasons IS NULL OR coalesce(h.facts ->> 'why', '') <> ''
         AND NOT EXISTS (SELECT FROM unnest(string_to_array(h.facts ->> 'why', ', ')) AS reason WHERE reason !~ ('^(' || c.releasable_reasons || ')$'))) AS releasable
FROM ledger.hold h JOIN ledger.hold_code c ON c.code = h.code
WHERE h.released_at IS NULL AND h.effect <> 'W' AND (h.code = 'TAKEN_OUT' OR EXISTS (SELECT FROM review.case_item x WHERE x.hold_id = h.hold_id)
  OR EXISTS (SELECT FROM ledger.last_machine_decision('invoice_reconciliation', h.invoice_id) d
             WHERE d.outcome = 'review' AND NOT coalesce(d.explanation -> 'not_yet' ? h.code, false)));

-- What a case rests on: its subject and the holds that are asked of its role. A person decides on exactly this.
CREATE OR REPLACE FUNCTION review.invoice_evidence(invoice_in bigint, role_in text) RETURNS bytea
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT sha256(convert_to(encode(i.content_hash, 'hex') || '|' || coalesce((
    SELECT string_agg(h.code || ',' || encode(h.evidence_hash, 'hex'), ';' ORDER BY h.code COLLATE "C", encode(h.evidence_hash, 'hex') COLLATE "C")
    FROM review.asked_hold h WHERE h.invoice_id = i.invoice_id AND h.role = role_in), ''), 'UTF8'))
  FROM purchasing.invoice i WHERE i.invoice_id = invoice_in
$$;

-- Open a case per reviewed invoice and responsible role, and per quarantined document; refresh what is open already.
-- Run again it finds every hold in its case and opens nothing.
CREATE OR REPLACE FUNCTION review.open_cases(run_in bigint, OUT opened bigint, OUT superseded bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE this_run ops.run; touched bigint[];
BEGIN
  SELECT * INTO STRICT this_run FROM ops.run r WHERE r.run_id = run_in;
  PERFORM ops.lock_process(this_run.process);
  PERFORM ops.rehearse(this_run);
  superseded := review.settle_by_facts(this_run.process);

  WITH wanted AS (
    SELECT i.invoice_id, h.role, i.entity, i.supplier_group, i.invoice_number, i.gross_total, i.currency, i.due_date, i.discount_date, i.discount_percent, i.content_hash, i.document_id, i.supplier_id,
           string_agg(DISTINCT h.code, ', ' ORDER BY h.code) AS codes
    FROM review.asked_hold h JOIN purchasing.invoice i ON i.invoice_id = h.invoice_id
    JOIN LATERAL ledger.last_machine_decision(this_run.process, i.invoice_id) d ON d.outcome = 'review' OR h.code = 'TAKEN_OUT'
    JOIN ledger.invoice_status st ON st.invoice_id = i.invoice_id AND st.state IN ('held', 'waiting_receipt')
    GROUP BY i.invoice_id, h.role
  ), opened_cases AS (
    INSERT INTO review.case AS c (process, subject_kind, subject_id, subject_key, role, entity, candidate_person, title, amount, currency, due_date, discount_date, discount_percent, evidence_hash, handover, opened_run)
    SELECT this_run.process, 'invoice', w.invoice_id, encode(w.content_hash, 'hex'), w.role, w.entity, review.person_in_document(w.invoice_id, w.role),
           w.invoice_number || ' of ' || coalesce((SELECT s.name FROM purchasing.supplier s WHERE s.supplier_id = w.supplier_id), w.supplier_group) || ': ' || w.codes,
           abs(w.gross_total), w.currency, w.due_date, w.discount_date, w.discount_percent, review.invoice_evidence(w.invoice_id, w.role), review.invoice_handover(w.invoice_id, w.role), run_in
    FROM wanted w
    ON CONFLICT (process, subject_kind, subject_id, role) WHERE state IN ('open', 'half_decided', 'decided')
    -- a first of two answers was about other facts: it counts no more
    DO UPDATE SET state = CASE WHEN c.evidence_hash = excluded.evidence_hash THEN c.state ELSE 'open' END, evidence_hash = excluded.evidence_hash, title = excluded.title,
      handover = excluded.handover || jsonb_build_object('earlier', review.keep_earlier(c.handover, c.evidence_hash))
    WHERE c.state IN ('open', 'half_decided') AND (c.evidence_hash, c.title) IS DISTINCT FROM (excluded.evidence_hash, excluded.title)
    RETURNING c.case_id, c.subject_key, c.role, (c.xmax = 0) AS is_new
  ), recorded AS (
    SELECT count(*) FILTER (WHERE o.is_new) AS n, count(*) AS touched, array_agg(o.case_id ORDER BY o.case_id) AS cases, array_agg('invoice:' || o.subject_key ORDER BY o.subject_key, o.role) AS subjects,
           -- not the title: it names the supplier, who may be a person
           array_agg(audit.object('step', audit.text(CASE WHEN o.is_new THEN 'case opened' ELSE 'case refreshed' END), 'role', audit.text(o.role), 'codes', audit.text(w.codes),
             'case_id', audit.text(o.case_id::text), 'run_id', audit.text(run_in::text), 'at', audit.text(ops.utc(now()))) ORDER BY o.subject_key, o.role) AS bodies
    FROM opened_cases o JOIN wanted w ON encode(w.content_hash, 'hex') = o.subject_key AND w.role = o.role
  )
  SELECT r.n, r.cases INTO opened, touched FROM recorded r LEFT JOIN LATERAL (SELECT audit.append_many('path', r.subjects, r.bodies) WHERE r.touched > 0) AS done(ok) ON true;

  INSERT INTO review.case_item (case_id, item_no, hold_id, code)
  SELECT k.case_id, coalesce((SELECT max(x.item_no) FROM review.case_item x WHERE x.case_id = k.case_id), 0)
                    + row_number() OVER (PARTITION BY k.case_id ORDER BY h.code, h.hold_id), h.hold_id, h.code
  FROM review.case k JOIN review.asked_hold h ON h.invoice_id = k.subject_id AND h.role = k.role
  WHERE k.process = this_run.process AND k.subject_kind = 'invoice' AND k.state IN ('open', 'half_decided')
    AND NOT EXISTS (SELECT FROM review.case_item x WHERE x.hold_id = h.hold_id);

  PERFORM review.gather_handovers(ARRAY(SELECT unnest(touched) UNION SELECT review.overtaken_cases(this_run.process)), run_in);
  opened := coalesce(opened, 0) + review.open_quarantine_cases(run_in, this_run.process);
END $$;

CREATE OR REPLACE FUNCTION review.open_quarantine_cases(run_in bigint, process_in text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE opened bigint;
BEGIN
  WITH opened_cases AS (
    INSERT INTO review.case (process, subject_kind, subject_id, subject_key, role, entity, title, amount, currency, evidence_hash, handover, opened_run)
    SELECT process_in, 'quarantine', q.quarantine_id, encode(q.content_hash, 'hex'), 'ap_clerk',
           coalesce((SELECT e.entity FROM ops.entity e WHERE e.entity = q.row_content ->> 'entity'), (SELECT min(e.entity) FROM ops.entity e)),
           coalesce(q.business_key, 'Document') || ' quarantined: ' || coalesce(q.findings -> 0 ->> 'reason', 'not readable'),
           abs((q.row_content ->> 'gross_total')::numeric(18,2)), q.row_content ->> 'currency', q.content_hash, review.quarantine_handover(q.quarantine_id), run_in
    FROM intake.quarantine q JOIN intake.load l ON l.load_id = q.load_id JOIN ops.run r ON r.run_id = l.run_id
    WHERE q.dataset = 'invoices' AND q.state = 'open' AND r.process = process_in
      AND NOT EXISTS (SELECT FROM review.case c WHERE c.process = process_in AND c.subject_kind = 'quarantine' AND c.subject_id = q.quarantine_id)
    RETURNING case_id, subject_id, subject_key
  ), items AS (
    INSERT INTO review.case_item (case_id, item_no, quarantine_id, code) SELECT o.case_id, 1, o.subject_id, 'QUARANTINE' FROM opened_cases o
  ), recorded AS (
    SELECT count(*) AS n, array_agg('document:' || o.subject_key ORDER BY o.subject_key) AS subjects,
           -- which checks refused it and not the title: that names the file or the sender
           array_agg(audit.object('step', audit.text('case opened'), 'role', audit.text('ap_clerk'), 'codes', audit.text(array_to_string(intake.checks_of(q.findings), ', ')), 'case_id', audit.text(o.case_id::text),
             'run_id', audit.text(run_in::text), 'at', audit.text(ops.utc(now()))) ORDER BY o.subject_key) AS bodies
    FROM opened_cases o JOIN intake.quarantine q ON q.quarantine_id = o.subject_id
  )
  SELECT r.n INTO opened FROM recorded r LEFT JOIN LATERAL (SELECT audit.append_many('path', r.subjects, r.bodies) WHERE r.n > 0) AS done(ok) ON true;
  RETURN coalesce(opened, 0);
END $$;

-- Items whose hold the facts released (or replaced) are settled; a case with nothing left to decide is superseded.
CREATE OR REPLACE FUNCTION review.settle_by_facts(process_in text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE closed bigint;
BEGIN
  UPDATE review.case_item x SET settled_at = now(), settled_by = h.release_kind
  FROM ledger.hold h WHERE h.hold_id = x.hold_id AND x.settled_at IS NULL AND h.released_at IS NOT NULL;
  WITH finished AS (
    UPDATE review.case c SET state = 'superseded', closed_at = now()
    WHERE c.process = process_in AND c.subject_kind = 'invoice' AND c.state IN ('open', 'half_decided') AND NOT EXISTS (SELECT FROM vault.seeded_case t WHERE t.case_id = c.case_id)
      AND NOT EXISTS (SELECT FROM review.asked_hold h WHERE h.invoice_id = c.subject_id AND h.role = c.role)
    RETURNING c.case_id, c.subject_key, c.role
  ), recorded AS (
    SELECT count(*) AS n, array_agg('invoice:' || f.subject_key ORDER BY f.subject_key, f.role) AS subjects,
           array_agg(audit.object('step', audit.text('case superseded by facts'), 'role', audit.text(f.role), 'case_id', audit.text(f.case_id::text), 'at', audit.text(ops.utc(now()))) ORDER BY f.subject_key, f.role) AS bodies
    FROM finished f
  )
  SELECT r.n INTO closed FROM recorded r LEFT JOIN LATERAL (SELECT audit.append_many('path', r.subjects, r.bodies) WHERE r.n > 0) AS done(ok) ON true;
  PERFORM pg_notify('backoffice_review', '0') WHERE closed > 0;
  RETURN coalesce(closed, 0);
END $$;

-- The buyer or receiver that the documents name; the role is the fallback.
CREATE OR REPLACE FUNCTION review.person_in_document(invoice_in bigint, role_in text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT p.person_id FROM (
    SELECT o.buyer AS user_id, l.position FROM purchasing.invoice_line l JOIN purchasing.order_line o ON o.order_line_id = l.order_line_id
    WHERE l.invoice_id = invoice_in AND role_in = 'buyer'
    UNION ALL
    SELECT r.receiver, l.position FROM purchasing.invoice_line l JOIN purchasing.receipt_line r ON r.order_line_id = l.order_line_id
    WHERE l.invoice_id = invoice_in AND role_in = 'receiver'
  ) named JOIN review.identity d ON d.system = 'erp' AND d.user_id = named.user_id JOIN review.person p ON p.person_id = d.person_id AND p.active
  ORDER BY named.position, p.person_id LIMIT 1
$$;

-- The holds that are asked of a role, with what was measured and the facts it rests on.
CREATE OR REPLACE FUNCTION review.case_holds(invoice_in bigint, role_in text) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(jsonb_agg(jsonb_build_object('hold_id', h.hold_id::text, 'code', h.code, 'effect', h.effect, 'title', c.title,
    'line_id', x.line_id, 'position', x.position, 'measured', trim_scale(round(h.measured, 6))::text, 'limit', trim_scale(h.limit_value)::text, 'unit', h.limit_unit, 'scope', h.scope,
    'facts', h.facts) ORDER BY x.position NULLS FIRST, h.code), '[]')
  FROM review.asked_hold h JOIN ledger.hold_code c ON c.code = h.code LEFT JOIN purchasing.invoice_line x ON x.invoice_line_id = h.invoice_line_id
  WHERE h.invoice_id = invoice_in AND h.role = role_in
$$;

CREATE OR REPLACE FUNCTION review.invoice_handover(invoice_in bigint, role_in text) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_build_object(
    'supplier', jsonb_build_object('id', i.supplier_id, 'name', coalesce(s.name, i.seller_name)),
    'document', jsonb_build_object('kind', i.kind, 'number', i.invoice_number, 'date', i.invoice_date::text, 'due_date', i.due_date::text,
      'discount_date', i.discount_date::text, 'discount_percent', trim_scale(i.discount_percent)::text,
      'gross', trim_scale(i.gross_total)::text, 'net', trim_scale(i.net_total)::text, 'tax', trim_scale(i.tax_total)::text, 'currency', i.currency, 'po_number', i.po_number,
      'source', l.source, 'received_at', ops.utc(i.received_at),
      'filename', (SELECT g.filename FROM intake.stage_invoice g WHERE g.load_id = i.load_id AND g.content_hash = i.content_hash ORDER BY g.row_no LIMIT 1)),
    'holds', review.case_holds(i.invoice_id, role_in),
    'findings', '[]'::jsonb,
    'steps', jsonb_build_array(
      jsonb_build_object('step', 'received', 'at', ops.utc(i.received_at), 'result', 'from ' || l.source),
      jsonb_build_object('step', 'checked', 'at', ops.utc(l.accepted_at), 'result', 'accepted'),
      jsonb_build_object('step', 'matched', 'at', ops.utc(st.evaluated_at), 'result', st.state),
      jsonb_build_object('step', 'decided', 'at', ops.utc(d.decided_at), 'result', d.outcome || coalesce(', rule ' || d.rule, '')),
      jsonb_build_object('step', 'booked', 'at', (SELECT ops.utc(e.booked_at) FROM ledger.journal_entry e WHERE e.invoice_id = i.invoice_id AND e.event IN ('invoice', 'credit_note') ORDER BY e.entry_id DESC LIMIT 1),
        'result', CASE WHEN st.booking_no IS NULL THEN 'parked: nothing is booked' ELSE 'booked with a payment block' END)),
    'actions', (SELECT jsonb_agg(a ORDER BY a ->> 'action') FROM (
      SELECT jsonb_build_object('action', 'accept', 'label', 'Accept',
        'needs_second_person', EXISTS (SELECT FROM review.asked_hold h WHERE h.invoice_id = i.invoice_id AND h.role = role_in AND h.persons > 1),
        'reason_codes', review.reasons_offered('invoice', 'accept', held.codes),
        'effect', CASE WHEN st.booking_no IS NULL THEN 'Books the invoice: payable ' || to_char(i.gross_total, 'FM999,999,999,999,990.0099') || ' ' || i.currency || '. The next run compares it again and frees it for payment when nothing else holds it.'
                       ELSE 'Releases these holds. No journal entry; the payment block falls when nothing else holds it.' END) AS a
      WHERE NOT EXISTS (SELECT FROM review.asked_hold h WHERE h.invoice_id = i.invoice_id AND h.role = role_in AND NOT h.releasable)
      UNION ALL
      SELECT jsonb_build_object('action', 'reject', 'label', 'Reject', 'needs_second_person', false,
        'reason_codes', review.reasons_offered('invoice', 'reject', held.codes),
        'effect', CASE WHEN st.booking_no IS NULL THEN 'The invoice is refused; nothing is booked.' ELSE 'The invoice is refused; its entry is reversed.' END)) AS offered(a)))
  FROM purchasing.invoice i JOIN ledger.invoice_status st ON st.invoice_id = i.invoice_id JOIN intake.load l ON l.load_id = i.load_id
  LEFT JOIN purchasing.supplier s ON s.supplier_id = i.supplier_id
  LEFT JOIN LATERAL ledger.last_machine_decision('invoice_reconciliation', i.invoice_id) d ON true
  CROSS JOIN LATERAL (SELECT ARRAY(SELECT DISTINCT h.code FROM review.asked_hold h WHERE h.invoice_id = i.invoice_id AND h.role = role_in) AS codes) held
  WHERE i.invoice_id = invoice_in
$$;

CREATE OR REPLACE FUNCTION review.quarantine_handover(quarantine_in bigint) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_build_object(
    'supplier', jsonb_build_object('id', q.row_content ->> 'seller_id', 'name', q.row_content ->> 'seller_name'),
    'document', jsonb_build_object('kind', q.row_content ->> 'kind', 'number', q.row_content ->> 'invoice_number', 'date', q.row_content ->> 'invoice_date',
      'due_date', q.row_content ->> 'due_date', 'discount_date', q.row_content ->> 'discount_date', 'discount_percent', q.row_content ->> 'discount_percent', 'gross', q.row_content ->> 'gross_total', 'currency', q.row_content ->> 'currency', 'po_number', q.row_content ->> 'po_number',
      'filename', q.row_content ->> 'filename', 'source', q.source, 'received_at', q.row_content ->> 'received_at'),
    'holds', '[]'::jsonb, 'findings', q.findings,
    'steps', jsonb_build_array(jsonb_build_object('step', 'received', 'at', q.row_content ->> 'received_at', 'result', 'from ' || q.source),
                               jsonb_build_object('step', 'checked', 'at', ops.utc(q.quarantined_at), 'result', 'quarantined')),
    'actions', jsonb_build_array(
      jsonb_build_object('action', 'ask_again', 'label', 'Ask the supplier again', 'needs_second_person', false, 'reason_codes', review.reasons_offered('quarantine', 'ask_again', '{}'),
        'effect', 'Sends the supplier a request for a correct document. The original is kept.'),
      jsonb_build_object('action', 'read_again', 'label', 'Read again', 'needs_second_person', false, 'reason_codes', review.reasons_offered('quarantine', 'read_again', '{}'),
        'effect', 'The next run reads the kept original again and checks it anew.'),
      jsonb_build_object('action', 'discard', 'label', 'Discard', 'needs_second_person', true, 'reason_codes', review.reasons_offered('quarantine', 'discard', '{}'),
        'effect', 'Nothing is booked; the original is kept. A second person must agree.')))
  FROM intake.quarantine q WHERE q.quarantine_id = quarantine_in
$$;
