-- The facts that a decision about each of these invoices rests on, as text and as its hash; computed by the database from stored facts only.
-- No invoice is asked for twice.
DROP VIEW IF EXISTS ledger.current_evidence;
CREATE OR REPLACE FUNCTION ledger.evidence_of(invoices bigint[]) RETURNS TABLE (invoice_id bigint, evidence_hash bytea, facts text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  WITH asked AS MATERIALIZED (
    SELECT g.invoice_id FROM unnest(invoices) AS g(invoice_id)
  ), lines AS MATERIALIZED (
    SELECT l.invoice_id, string_agg(concat_ws(',', l.position, encode(o.content_hash, 'hex'),
             concat_ws('/', o.receipts, o.unknown_receipts, trim_scale(o.received_quantity), trim_scale(o.received_value))), ';' ORDER BY l.position) AS facts
    FROM asked a JOIN purchasing.invoice_line l ON l.invoice_id = a.invoice_id LEFT JOIN purchasing.order_line o ON o.order_line_id = l.order_line_id
    GROUP BY l.invoice_id
  ), holds AS MATERIALIZED (
    SELECT h.invoice_id, string_agg(concat_ws(',', h.code, h.effect, encode(h.evidence_hash, 'hex')), ';' ORDER BY h.code COLLATE "C", encode(h.evidence_hash, 'hex') COLLATE "C") AS facts
    FROM asked a JOIN ledger.hold h ON h.invoice_id = a.invoice_id WHERE h.released_at IS NULL
    GROUP BY h.invoice_id
  )
  SELECT i.invoice_id, sha256(convert_to(said.facts, 'UTF8')), said.facts
  FROM asked a JOIN purchasing.invoice i ON i.invoice_id = a.invoice_id JOIN ledger.invoice_status st ON st.invoice_id = a.invoice_id
  LEFT JOIN lines ON lines.invoice_id = a.invoice_id LEFT JOIN holds ON holds.invoice_id = a.invoice_id
  CROSS JOIN LATERAL (SELECT concat_ws('|', encode(i.content_hash, 'hex'), i.supplier_id, st.state, lines.facts, holds.facts) AS facts OFFSET 0) said
$$;

CREATE OR REPLACE VIEW ledger.latest_decision AS
SELECT DISTINCT ON (d.process, d.subject_kind, d.subject_id) d.*
FROM ledger.decision d ORDER BY d.process, d.subject_kind, d.subject_id, d.decision_id DESC;

-- The last decision about one invoice, and the machine's last: what statements over many invoices ask row by row. They become part of
-- the statement that asks, so they are written out here as it is parsed. + 0: else a planner without statistics (the first night, a
-- task killed before) walks all decisions backwards by their primary key for each invoice.
CREATE OR REPLACE FUNCTION ledger.last_decision(process_in text, invoice_in bigint) RETURNS SETOF ledger.decision
LANGUAGE sql STABLE ROWS 1
BEGIN ATOMIC
  SELECT d.* FROM ledger.decision d WHERE d.process = process_in AND d.subject_kind = 'invoice' AND d.subject_id = invoice_in ORDER BY d.decision_id + 0 DESC LIMIT 1;
END;
CREATE OR REPLACE FUNCTION ledger.last_machine_decision(process_in text, invoice_in bigint) RETURNS SETOF ledger.decision
LANGUAGE sql STABLE ROWS 1
BEGIN ATOMIC
  SELECT d.* FROM ledger.decision d WHERE d.process = process_in AND d.subject_kind = 'invoice' AND d.subject_id = invoice_in AND d.maker = 'machine' ORDER BY d.decision_id + 0 DESC LIMIT 1;
END;

-- Invoices that the machine may not decide: above the active policy's limit, or in a currency in which it has none.
CREATE OR REPLACE VIEW ledger.beyond_machine AS
SELECT i.invoice_id, p.machine_limit, p.currency AS limit_currency
FROM purchasing.invoice i LEFT JOIN ledger.active_policy p ON p.policy_id = 'approve_invoice'
WHERE p.policy_id IS NULL OR i.currency <> p.currency OR abs(i.gross_total) > p.machine_limit;

-- Amounts beyond what the machine may decide that a person with authority for them approved.
CREATE OR REPLACE VIEW ledger.approved_amount AS
SELECT h.invoice_id, max(h.release_decision_id) AS decision_id FROM ledger.hold h WHERE h.code = 'APPROVAL' AND h.release_kind = 'person' GROUP BY h.invoice_id;

-- Invoices that a person's booked answer stands for: the amount was approved, or the invoice was accepted within what the machine
-- may decide and nothing was held after that. A machine decision recorded between the answer and its booking takes nothing away.
CREATE OR REPLACE VIEW ledger.accepted_by_person AS
SELECT i.invoice_id, coalesce(a.decision_id, n.decision_id) AS decision_id
FROM purchasing.invoice i
LEFT JOIN LATERAL (SELECT x.decision_id FROM ledger.approved_amount x WHERE x.invoice_id = i.invoice_id) a ON true
LEFT JOIN LATERAL (
  SELECT max(d.decision_id) AS decision_id FROM ledger.decision d JOIN review.answer n ON n.case_id = d.case_id AND n.decision_id = d.decision_id
  WHERE d.process = 'invoice_reconciliation' AND d.subject_kind = 'invoice' AND d.subject_id = i.invoice_id AND d.maker = 'human' AND d.outcome = 'accept'
    AND n.booking_result = 'accepted' AND NOT EXISTS (SELECT FROM ledger.hold h WHERE h.invoice_id = i.invoice_id AND h.opened_at > n.booked_at)
) n ON true
WHERE a.decision_id IS NOT NULL OR (n.decision_id IS NOT NULL AND NOT EXISTS (SELECT FROM ledger.beyond_machine b WHERE b.invoice_id = i.invoice_id));

-- Datasets that a process has not got: those that its latest run with sources expected and has not accepted. Answers are booked
-- by whichever run comes, also by one that reads no source; while a night is reading, nothing is delivered yet.
CREATE OR REPLACE FUNCTION ledger.undelivered(process_in text) RETURNS text[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce((SELECT ops.stale_datasets(r.run_id) FROM ops.run r
    WHERE r.process = process_in AND NOT r.dry_run AND jsonb_array_length(coalesce(r.parameters -> 'sources', '[]')) > 0
    ORDER BY r.run_id DESC LIMIT 1), '{}')
$$;

-- Does an invoice rest on one of these datasets? On suppliers and orders each does, on receipts one with a three-way line.
CREATE OR REPLACE FUNCTION ledger.rests_on(invoice_in bigint, datasets text[]) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT datasets && '{suppliers,orders}' OR 'receipts' = ANY (datasets) AND EXISTS (
    SELECT FROM purchasing.invoice_line l JOIN purchasing.order_line o ON o.order_line_id = l.order_line_id
    WHERE l.invoice_id = invoice_in AND o.match_type = 3)
$$;

-- What a policy looks at in these invoices as of this run, in canonical JSON. Days are counted once per company and day of arrival.
CREATE OR REPLACE FUNCTION ledger.inputs_of(run_in bigint, invoices bigint[]) RETURNS TABLE (invoice_id bigint, inputs text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  WITH today AS MATERIALIZED (
    SELECT e.entity, ops.business_date(e.entity) AS day FROM ops.entity e
  ), asked AS MATERIALIZED (
    SELECT i.invoice_id, st.state, i.gross_total, i.currency, i.entity, (i.received_at AT TIME ZONE 'UTC')::date AS arrived, i.due_date
    FROM unnest(invoices) AS g(invoice_id) JOIN purchasing.invoice i ON i.invoice_id = g.invoice_id JOIN ledger.invoice_status st ON st.invoice_id = i.invoice_id
  ), waited AS MATERIALIZED (
    SELECT d.entity, d.arrived, t.day, ledger.business_days(d.entity, d.arrived, t.day) AS days
    FROM (SELECT DISTINCT a.entity, a.arrived FROM asked a) d JOIN today t ON t.entity = d.entity
  ), unreceived AS MATERIALIZED (
    SELECT DISTINCT h.invoice_id FROM ledger.hold h WHERE h.invoice_id = ANY (invoices) AND h.code = 'NO_RECEIPT' AND h.released_at IS NULL
  )
  SELECT a.invoice_id, concat('{"business_days_waited":"', w.days, '","days_until_due":', coalesce('"' || (a.due_date - w.day) || '"', 'null'),
    ',"gross_amount":{"amount":"', trim_scale(abs(a.gross_total)), '","currency":', to_json(a.currency), '},"match_state":"', a.state,
    '","receipt":"', CASE WHEN u.invoice_id IS NULL THEN 'not_missed' WHEN 'receipts' = ANY (tonight.stale) THEN 'not_delivered' ELSE 'missed' END,
    '","sources_delivered":', CASE WHEN tonight.stale = '{}' OR NOT ledger.rests_on(a.invoice_id, tonight.stale) THEN 'true' ELSE 'false' END, '}')
  FROM (SELECT ops.stale_datasets(run_in) AS stale OFFSET 0) AS tonight
  CROSS JOIN asked a JOIN waited w ON w.entity = a.entity AND w.arrived = a.arrived LEFT JOIN unreceived u ON u.invoice_id = a.invoice_id
$$;

-- What nobody but a person may decide is held before anything is decided: holds are what a policy looks at and what evidence is of.
CREATE OR REPLACE FUNCTION ledger.hold_beyond_machine(run_in bigint, policy_sha256_in text, invoices bigint[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE beyond bigint[];
BEGIN
  INSERT INTO ledger.hold (invoice_id, code, effect, measured, limit_value, limit_unit, scope, facts, evidence_hash, rule_sha256, opened_run)
  SELECT i.invoice_id, 'APPROVAL', c.effect, abs(i.gross_total), CASE WHEN i.currency = b.limit_currency THEN b.machine_limit END, 'currency', i.entity,
         jsonb_build_object('currency', i.currency, 'machine_limit', b.machine_limit || ' ' || b.limit_currency),
         sha256(i.content_hash || convert_to(b.machine_limit || ' ' || b.limit_currency, 'UTF8')), policy_sha256_in, run_in
  FROM unnest(invoices) AS g(invoice_id) JOIN ledger.beyond_machine b ON b.invoice_id = g.invoice_id
  JOIN purchasing.invoice i ON i.invoice_id = g.invoice_id JOIN ledger.hold_code c ON c.code = 'APPROVAL'
  JOIN ledger.invoice_status st ON st.invoice_id = i.invoice_id JOIN ops.entity e ON e.entity = i.entity
  -- a document in another currency than the books' is held for that; nobody can make it bookable by approving its amount
  WHERE (st.state = 'matched' OR st.state = 'held' AND i.currency = e.ledger_currency) AND st.booking_no IS NULL
    AND NOT EXISTS (SELECT FROM ledger.hold h WHERE h.invoice_id = i.invoice_id AND h.code = 'APPROVAL' AND (h.released_at IS NULL OR h.release_kind = 'person'));
  SELECT array_agg(h.invoice_id) INTO beyond FROM ledger.hold h WHERE h.invoice_id = ANY (invoices) AND h.code = 'APPROVAL' AND h.released_at IS NULL;
  IF beyond IS NULL THEN RETURN; END IF;
  UPDATE ledger.invoice_status st SET state = 'held' WHERE st.invoice_id = ANY (beyond) AND st.state = 'matched';
  UPDATE ledger.line_state ls SET state = 'held', run_id = run_in
  FROM purchasing.invoice_line l WHERE l.invoice_id = ANY (beyond) AND ls.invoice_line_id = l.invoice_line_id AND ls.state <> 'held';
END $$;

-- What each source had delivered when a run decides, and how old that is: canonical JSON, one object per source and dataset. A part
-- that was read again leaves its source as old as its last whole reading.
CREATE OR REPLACE FUNCTION ledger.delivered_data(this_run ops.run) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  WITH accepted AS (
    SELECT DISTINCT ON (l.source, l.dataset) l.source, l.dataset, l.load_id, l.run_id, coalesce(l.window_until, l.read_at) AS as_of
    FROM intake.load l JOIN ops.run r ON r.run_id = l.run_id
    WHERE r.process = this_run.process AND l.state = 'accepted' AND (l.advances_watermark OR l.complete)
    ORDER BY l.source, l.dataset, l.load_id DESC
  ), expected AS (
    SELECT DISTINCT s.source ->> 'source' AS source, s.source ->> 'dataset' AS dataset
    FROM jsonb_array_elements(coalesce(this_run.parameters -> 'sources', '[]')) AS s(source)
  ), named AS (
    SELECT e.source, e.dataset FROM expected e
    UNION ALL
    SELECT a.source, a.dataset FROM accepted a WHERE NOT EXISTS (SELECT FROM expected)
  )
  SELECT coalesce('[' || string_agg(audit.object('source', audit.text(n.source), 'dataset', audit.text(n.dataset), 'load_id', audit.text(a.load_id::text),
      'as_of', audit.text(ops.utc(a.as_of)), 'age_seconds', audit.text(trunc(extract(epoch FROM now() - a.as_of))::text),
      'delivered', audit.text(CASE WHEN a.load_id IS NULL THEN 'never' WHEN a.run_id = this_run.run_id AND n.dataset <> ALL (tonight.stale) THEN 'this run' ELSE 'an earlier run' END)),
    ',' ORDER BY n.dataset COLLATE "C", n.source COLLATE "C") || ']', '[]')
  FROM (SELECT ops.stale_datasets(this_run.run_id) AS stale OFFSET 0) AS tonight
  CROSS JOIN named n LEFT JOIN accepted a ON a.source = n.source AND a.dataset = n.dataset
$$;

-- One hash for all SQL texts that are installed, and one for the tolerances of a set.
CREATE OR REPLACE FUNCTION ops.installed_texts_sha256() RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT encode(sha256(convert_to(coalesce(string_agg(t.name || ' ' || t.sha256, E'\n' ORDER BY t.name COLLATE "C"), ''), 'UTF8')), 'hex') FROM ops.installed_text t
$$;
CREATE OR REPLACE FUNCTION ledger.tolerances_sha256(set_in text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT encode(sha256(convert_to(coalesce(string_agg(said.line, E'\n' ORDER BY said.line COLLATE "C"), ''), 'UTF8')), 'hex')
  FROM ledger.tolerance t CROSS JOIN LATERAL (SELECT array_to_string(ARRAY[t.code, t.entity, t.category, t.supplier_id, t.item, t.po_number, t.po_line_key,
    trim_scale(t.up_pct)::text, trim_scale(t.up_abs)::text, t.combine, t.effective_from::text, t.effective_to::text], '|', '-') AS line) said
  WHERE t.tolerance_set = set_in
$$;

-- Everything that a decision on these invoices rests on, in canonical JSON: the document, the facts with their hash, the holds that
-- stand with what was measured against which limit, and what the policy looks at. Read by the database itself: what the caller
-- says of it is in no record.
CREATE OR REPLACE FUNCTION ledger.decision_data(run_in bigint, invoices bigint[])
RETURNS TABLE (invoice_id bigint, document text, facts text, evidence_hash bytea, holds text, inputs text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  WITH held AS MATERIALIZED (
    SELECT h.invoice_id, '[' || string_agg(concat('{"code":', to_json(h.code), ',"effect":', to_json(h.effect), ',"evidence_sha256":"', encode(h.evidence_hash, 'hex'),
        '","facts":', coalesce((SELECT to_json(string_agg(f.key || '=' || f.value, '|' ORDER BY f.key COLLATE "C"))::text FROM jsonb_each_text(h.facts) AS f), 'null'),
        ',"limit":', coalesce('"' || trim_scale(h.limit_value) || '"', 'null'), ',"line":', coalesce(to_json(l.line_id)::text, 'null'),
        ',"measured":', coalesce('"' || trim_scale(h.measured) || '"', 'null'), ',"rule_sha256":', to_json(h.rule_sha256),
        ',"scope":', coalesce(to_json(h.scope)::text, 'null'), ',"unit":', coalesce(to_json(h.limit_unit)::text, 'null'), '}'),
      ',' ORDER BY l.position NULLS FIRST, h.code COLLATE "C", h.hold_id) || ']' AS list
    FROM ledger.hold h LEFT JOIN purchasing.invoice_line l ON l.invoice_line_id = h.invoice_line_id
    WHERE h.invoice_id = ANY (invoices) AND h.released_at IS NULL GROUP BY h.invoice_id
  )
  SELECT i.invoice_id,
    concat('{"load_id":"', i.load_id, '","original_sha256":', '"' || encode(d.sha256, 'hex') || '"', CASE WHEN d.sha256 IS NULL THEN 'null' END,
           ',"received_at":"', to_char(i.received_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
           '","source":', to_json(l.source), CASE WHEN l.source IS NULL THEN 'null' END, '}'),
    e.facts, e.evidence_hash, coalesce(held.list, '[]'),
    n.inputs
  FROM ledger.inputs_of(run_in, invoices) n
  JOIN purchasing.invoice i ON i.invoice_id = n.invoice_id
  JOIN ledger.evidence_of(invoices) e ON e.invoice_id = n.invoice_id
  LEFT JOIN intake.document d ON d.document_id = i.document_id LEFT JOIN intake.load l ON l.load_id = i.load_id
  LEFT JOIN held ON held.invoice_id = n.invoice_id
$$;

-- What is open for a decision of a run: everything that is not rejected, nor matched, booked and free for payment, with what a policy
-- looks at. From here to the end of the transaction nobody else writes for this process, and what is decided on is kept until it is
-- recorded, so that both are the same facts. Rows come in the order of their business keys, as decisions are numbered.
DROP VIEW IF EXISTS ledger.decision_input;
DROP FUNCTION IF EXISTS ledger.decision_input(bigint);
DROP TABLE IF EXISTS ledger.work_decision;
CREATE UNLOGGED TABLE ledger.work_decision (
  invoice_id bigint PRIMARY KEY, place bigint NOT NULL, run_id bigint NOT NULL, asked_in xid8 NOT NULL, content_hash bytea NOT NULL,
  document text NOT NULL, facts text NOT NULL, evidence_hash bytea NOT NULL, holds text NOT NULL, inputs text NOT NULL
);
CREATE FUNCTION ledger.decision_input(run_in bigint) RETURNS TABLE (invoice_id bigint, inputs text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan SET work_mem = '256MB' SET jit = off AS $$
#variable_conflict use_column
DECLARE this_run ops.run; open_invoices bigint[];
BEGIN
  SELECT * INTO STRICT this_run FROM ops.run r WHERE r.run_id = run_in;
  PERFORM ops.lock_process(this_run.process);
  PERFORM ops.rehearse(this_run);
  SELECT coalesce(array_agg(st.invoice_id ORDER BY st.invoice_id), '{}') INTO open_invoices FROM ledger.invoice_status st
  WHERE st.state <> 'rejected' AND NOT (st.state = 'matched' AND st.booking_no IS NOT NULL AND NOT st.payment_block);
  PERFORM ledger.hold_beyond_machine(run_in, (SELECT p.sha256 FROM ledger.active_policy p WHERE p.policy_id = 'approve_invoice'), open_invoices);
  TRUNCATE ledger.work_decision;
  INSERT INTO ledger.work_decision (place, run_id, asked_in, invoice_id, content_hash, document, facts, evidence_hash, holds, inputs)
  SELECT k.place, run_in, pg_current_xact_id(), e.invoice_id, k.content_hash, e.document, e.facts, e.evidence_hash, e.holds, e.inputs
  FROM ledger.decision_data(run_in, open_invoices) e JOIN (
    SELECT i.invoice_id, i.content_hash, row_number() OVER (ORDER BY i.entity COLLATE "C", i.invoice_number COLLATE "C", i.content_hash) AS place
    FROM unnest(open_invoices) AS g(invoice_id) JOIN purchasing.invoice i ON i.invoice_id = g.invoice_id
  ) k ON k.invoice_id = e.invoice_id ORDER BY k.place;
  RETURN QUERY SELECT w.invoice_id, w.inputs FROM ledger.work_decision w ORDER BY w.place;
END $$;

-- Record what the machine decided. A decision that says nothing new (same outcome and rule on the same facts) is not repeated.
-- Recording does not act: the act functions check every decision again. explanations are canonical JSON objects, why and why not
-- of each decision; everything else in the record is the database's own reading, as it gave it out in this transaction: only what was
-- asked for there can be recorded.
DROP FUNCTION IF EXISTS ledger.record_machine_decisions(bigint, text, text, bigint[], text[], text[], jsonb[]);
CREATE OR REPLACE FUNCTION ledger.record_machine_decisions(run_in bigint, policy_in text, sha256_in text, invoices bigint[], outcomes text[],
                                                           rules text[], explanations text[]) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan SET work_mem = '256MB' SET jit = off AS $$
#variable_conflict use_column
DECLARE this_run ops.run; active ledger.policy_version; head text; policy text; tail text; authority text; tolerances text; recorded bigint;
BEGIN
  SELECT * INTO STRICT this_run FROM ops.run r WHERE r.run_id = run_in;
  PERFORM ops.lock_process(this_run.process);
  PERFORM ops.rehearse(this_run);
  active := ledger.policy_to_decide_by(this_run, policy_in, sha256_in);
  IF (SELECT count(*) FROM ledger.work_decision w WHERE w.invoice_id = ANY (invoices) AND w.run_id = run_in AND w.asked_in = pg_current_xact_id()) <> cardinality(invoices) THEN
    RAISE EXCEPTION 'only what ledger.decision_input said in the same transaction can be decided' USING ERRCODE = 'BO403';
  END IF;

  -- what is the same in every record of this call, in the order of its keys
  authority := 'machine up to ' || trim_scale(active.machine_limit)::text || ' ' || active.currency;
  tolerances := coalesce((SELECT r.tolerance_set FROM ops.rehearsal r WHERE r.run_id = run_in), (SELECT s.value FROM ledger.setting s WHERE s.name = 'tolerance_set'));
  head := concat(',"at":"', ops.utc(now()), '","authority":', audit.text(authority), ',"decision":');
  policy := concat(',"package_version":', audit.text(this_run.package_version), ',"policy_id":', audit.text(active.policy_id), ',"policy_sha256":', audit.text(active.sha256),
                   ',"policy_version":"', active.version, '","rule":');
  tail := concat(',"run_id":"', run_in, '","sources":', ledger.delivered_data(this_run), ',"texts_sha256":', audit.text(ops.installed_texts_sha256()),
                 ',"tolerance_set":', audit.text(tolerances), ',"tolerances_sha256":', audit.text(ledger.tolerances_sha256(tolerances)), '}');

  WITH numbered AS MATERIALIZED (
    -- sorted, so everything that is looked up was looked up before the first row is written
    SELECT g.*, nextval('ledger.decision_decision_id_seq') AS decision_id
    FROM (
      SELECT w.*, g.outcome, g.rule, g.explanation, s.subject, 1 + coalesce((SELECT max(r.n) FROM audit.record r WHERE r.subject = s.subject), 0) AS n
      FROM unnest(invoices, outcomes, rules, explanations) AS g(invoice_id, outcome, rule, explanation)
      JOIN ledger.work_decision w ON w.invoice_id = g.invoice_id
      CROSS JOIN LATERAL (SELECT 'invoice:' || encode(w.content_hash, 'hex') AS subject OFFSET 0) s
      LEFT JOIN LATERAL ledger.last_decision(this_run.process, g.invoice_id) last ON true
      WHERE (last.maker, last.outcome, last.rule, last.evidence_hash, last.policy_sha256) IS DISTINCT FROM ('machine', g.outcome, g.rule, w.evidence_hash, sha256_in)
      ORDER BY w.place
    ) g
  ), written AS (
    INSERT INTO ledger.decision (decision_id, process, subject_kind, subject_id, subject_key, maker, outcome, rule, authority, policy_id, policy_version, policy_sha256,
      evidence_hash, explanation, run_id)
    OVERRIDING SYSTEM VALUE
    SELECT n.decision_id, this_run.process, 'invoice', n.invoice_id, encode(n.content_hash, 'hex'), 'machine', n.outcome, n.rule, authority, active.policy_id, active.version,
      active.sha256, n.evidence_hash, concat('{"inputs":', n.inputs, ',"not_yet":',
             -- most say that nothing may wait: in canonical JSON these bytes stand nowhere else, and reading all of it costs as much as the row
             CASE WHEN strpos(n.explanation, '"not_yet":[]') > 0 THEN '[]' ELSE coalesce(n.explanation::json ->> 'not_yet', '[]') END, '}')::jsonb, run_in
    FROM numbered n
  ), logged AS (
    -- as audit.append_many writes, without gathering all bodies in arrays first: half the time of recording
    INSERT INTO audit.record (subject, n, kind, body)
    SELECT n.subject, n.n, 'decision', convert_to(concat('{"_record":["decision","', n.subject, '","', n.n, '"]', head, n.explanation,
        ',"decision_id":"', n.decision_id, '","document":', n.document, ',"evidence_sha256":"', encode(n.evidence_hash, 'hex'),
        '","facts":', to_json(n.facts), ',"form":"2","holds":', n.holds, ',"inputs":', n.inputs, ',"invoice_sha256":"', encode(n.content_hash, 'hex'),
        '","outcome":', to_json(n.outcome), policy, to_json(n.rule), tail), 'UTF8') FROM numbered n
    RETURNING record_id
  ), waiting AS (
    INSERT INTO audit.waiting (record_id) SELECT l.record_id FROM logged l
  )
  SELECT count(*) INTO recorded FROM logged;
  RETURN recorded;
END $$;
