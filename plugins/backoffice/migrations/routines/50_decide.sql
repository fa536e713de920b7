-- The facts that a decision about an invoice rests on, as one hash; computed by the database from stored facts only.
CREATE OR REPLACE VIEW ledger.current_evidence AS
SELECT i.invoice_id, sha256(convert_to(concat_ws('|', encode(i.content_hash, 'hex'), i.supplier_id, st.state, lines.facts, holds.facts), 'UTF8')) AS evidence_hash
FROM purchasing.invoice i
JOIN ledger.invoice_status st ON st.invoice_id = i.invoice_id
LEFT JOIN LATERAL (
  SELECT string_agg(concat_ws(',', l.position, encode(o.content_hash, 'hex'),
           concat_ws('/', o.receipts, o.unknown_receipts, trim_scale(o.received_quantity), trim_scale(o.received_value))), ';' ORDER BY l.position) AS facts
  FROM purchasing.invoice_line l LEFT JOIN purchasing.order_line o ON o.order_line_id = l.order_line_id WHERE l.invoice_id = i.invoice_id
) lines ON true
LEFT JOIN LATERAL (
  SELECT string_agg(concat_ws(',', h.code, h.effect, encode(h.evidence_hash, 'hex')), ';' ORDER BY h.code COLLATE "C", encode(h.evidence_hash, 'hex') COLLATE "C") AS facts
  FROM ledger.hold h WHERE h.invoice_id = i.invoice_id AND h.released_at IS NULL
) holds ON true;

CREATE OR REPLACE VIEW ledger.latest_decision AS
SELECT DISTINCT ON (d.process, d.subject_kind, d.subject_id) d.*
FROM ledger.decision d ORDER BY d.process, d.subject_kind, d.subject_id, d.decision_id DESC;

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

-- What is open for a decision of a run: everything that is not rejected, nor matched, booked and free for payment.
DROP VIEW IF EXISTS ledger.decision_input;
CREATE OR REPLACE FUNCTION ledger.decision_input(run_in bigint) RETURNS TABLE (invoice_id bigint, match_state text, gross_amount numeric, currency text, receipt text,
                                                                               sources_delivered boolean, business_days_waited integer, days_until_due integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT st.invoice_id, st.state, abs(i.gross_total), i.currency,
         CASE WHEN NOT EXISTS (SELECT FROM ledger.hold h WHERE h.invoice_id = st.invoice_id AND h.code = 'NO_RECEIPT' AND h.released_at IS NULL) THEN 'not_missed'
              WHEN 'receipts' = ANY (tonight.stale) THEN 'not_delivered' ELSE 'missed' END,
         tonight.stale = '{}' OR NOT ledger.rests_on(st.invoice_id, tonight.stale),
         ledger.business_days(i.entity, (i.received_at AT TIME ZONE 'UTC')::date, ops.business_date(i.entity)),
         i.due_date - ops.business_date(i.entity)
  FROM (SELECT ops.stale_datasets(run_in) AS stale OFFSET 0) AS tonight
  CROSS JOIN ledger.invoice_status st JOIN purchasing.invoice i ON i.invoice_id = st.invoice_id
  WHERE st.state <> 'rejected' AND NOT (st.state = 'matched' AND st.booking_no IS NOT NULL AND NOT st.payment_block)
$$;

-- Record what the machine decided. A decision that says nothing new (same outcome and rule on the same facts) is not repeated.
-- Recording does not act: the act functions check every decision again.
CREATE OR REPLACE FUNCTION ledger.record_machine_decisions(run_in bigint, policy_in text, sha256_in text, invoices bigint[], outcomes text[],
                                                           rules text[], explanations jsonb[]) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE this_run ops.run; active ledger.policy_version; recorded bigint;
BEGIN
  SELECT * INTO STRICT this_run FROM ops.run r WHERE r.run_id = run_in;
  PERFORM ops.lock_process(this_run.process);
  PERFORM ops.rehearse(this_run);
  active := ledger.policy_to_decide_by(this_run, policy_in, sha256_in);
  -- beyond what the machine may decide: a person with authority decides, whatever the table said. It stands before the decision
  -- is recorded, because holds are evidence: the same facts give the same evidence next time
  INSERT INTO ledger.hold (invoice_id, code, effect, measured, limit_value, limit_unit, scope, facts, evidence_hash, rule_sha256, opened_run)
  SELECT i.invoice_id, 'APPROVAL', c.effect, abs(i.gross_total), CASE WHEN i.currency = b.limit_currency THEN b.machine_limit END, 'currency', i.entity,
         jsonb_build_object('currency', i.currency, 'machine_limit', b.machine_limit || ' ' || b.limit_currency),
         sha256(i.content_hash || convert_to(b.machine_limit || ' ' || b.limit_currency, 'UTF8')), active.sha256, run_in
  FROM unnest(invoices) AS g(invoice_id) JOIN ledger.beyond_machine b ON b.invoice_id = g.invoice_id
  JOIN purchasing.invoice i ON i.invoice_id = g.invoice_id JOIN ledger.hold_code c ON c.code = 'APPROVAL'
  JOIN ledger.invoice_status st ON st.invoice_id = i.invoice_id JOIN ops.entity e ON e.entity = i.entity
  -- a document in another currency than the books' is held for that; nobody can make it bookable by approving its amount
  WHERE (st.state = 'matched' OR st.state = 'held' AND i.currency = e.ledger_currency) AND st.booking_no IS NULL
    AND NOT EXISTS (SELECT FROM ledger.hold h WHERE h.invoice_id = i.invoice_id AND h.code = 'APPROVAL' AND (h.released_at IS NULL OR h.release_kind = 'person'));
  UPDATE ledger.invoice_status st SET state = 'held'
  WHERE st.invoice_id = ANY (invoices) AND st.state = 'matched'
    AND EXISTS (SELECT FROM ledger.hold h WHERE h.invoice_id = st.invoice_id AND h.code = 'APPROVAL' AND h.released_at IS NULL);
  UPDATE ledger.line_state ls SET state = 'held', run_id = run_in
  WHERE ls.invoice_line_id IN (SELECT l.invoice_line_id FROM purchasing.invoice_line l WHERE l.invoice_id = ANY (invoices)) AND ls.state <> 'held'
    AND EXISTS (SELECT FROM ledger.hold h WHERE h.invoice_id = ls.invoice_id AND h.code = 'APPROVAL' AND h.released_at IS NULL);

  WITH given AS (
    SELECT g.invoice_id, g.outcome, g.rule, g.explanation, e.evidence_hash, i.entity, i.invoice_number, i.content_hash, i.gross_total, i.currency, st.state
    FROM unnest(invoices, outcomes, rules, explanations) AS g(invoice_id, outcome, rule, explanation)
    JOIN ledger.current_evidence e ON e.invoice_id = g.invoice_id
    JOIN purchasing.invoice i ON i.invoice_id = g.invoice_id
    JOIN ledger.invoice_status st ON st.invoice_id = g.invoice_id
    WHERE NOT EXISTS (SELECT FROM ledger.latest_decision d WHERE d.process = this_run.process AND d.subject_kind = 'invoice' AND d.subject_id = g.invoice_id
      AND d.maker = 'machine' AND d.outcome = g.outcome AND d.rule = g.rule AND d.evidence_hash = e.evidence_hash AND d.policy_sha256 = sha256_in)
  ), written AS (
    INSERT INTO ledger.decision (process, subject_kind, subject_id, subject_key, maker, outcome, rule, authority, policy_id, policy_version, policy_sha256,
      evidence_hash, explanation, run_id)
    SELECT this_run.process, 'invoice', g.invoice_id, encode(g.content_hash, 'hex'), 'machine', g.outcome, g.rule,
      'machine up to ' || trim_scale(active.machine_limit)::text || ' ' || active.currency, active.policy_id, active.version, active.sha256,
      g.evidence_hash, g.explanation, run_in FROM given g ORDER BY g.entity, g.invoice_number, g.content_hash
    RETURNING decision_id, subject_id, subject_key, outcome, rule, authority, evidence_hash, explanation
  ), recorded AS (
    SELECT array_agg('invoice:' || w.subject_key ORDER BY w.decision_id) AS subjects, array_agg(audit.object(
      'decision_id', audit.text(w.decision_id::text), 'outcome', audit.text(w.outcome), 'rule', audit.text(w.rule), 'authority', audit.text(w.authority),
      'policy_id', audit.text(active.policy_id), 'policy_version', audit.text(active.version::text), 'policy_sha256', audit.text(active.sha256),
      'evidence_sha256', audit.text(encode(w.evidence_hash, 'hex')), 'invoice_sha256', audit.text(w.subject_key),
      'explanation', audit.text(w.explanation::text), 'package_version', audit.text(this_run.package_version),
      'run_id', audit.text(run_in::text), 'at', audit.text(ops.utc(now()))) ORDER BY w.decision_id) AS bodies, count(*) AS n FROM written w
  )
  SELECT r.n INTO recorded FROM recorded r, LATERAL (SELECT audit.append_many('decision', r.subjects, r.bodies) WHERE r.n > 0) AS done(ok)
  UNION ALL SELECT 0 FROM recorded r WHERE r.n = 0;
  RETURN recorded;
END $$;
