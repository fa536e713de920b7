-- What stands of a load, counted again: rows as staged with their control amounts, rows set aside, and accepted rows that are facts.
-- An order line or supplier that came in several versions is a fact once; each of those rows counts.
CREATE OR REPLACE FUNCTION ops.staged_of_load(loaded intake.load, OUT counted bigint, OUT amount numeric, OUT unknown bigint, OUT quarantined bigint, OUT stored bigint)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE versions bigint;
BEGIN
  -- a row that comes again stands in quarantine once, under its latest load: it is found there by its content
  EXECUTE format('SELECT count(*), coalesce(sum(s.control_amount), 0), count(*) FILTER (WHERE s.control_amount IS NULL),
      count(*) FILTER (WHERE EXISTS (SELECT FROM intake.quarantine q WHERE q.dataset = $2 AND q.content_hash = s.content_hash)) FROM intake.%I s WHERE s.load_id = $1',
    intake.stage_table(loaded.dataset))
  INTO counted, amount, unknown, quarantined USING loaded.load_id, loaded.dataset;
  CASE loaded.dataset
    WHEN 'invoices' THEN SELECT count(*) INTO stored FROM purchasing.invoice i WHERE i.load_id = loaded.load_id;
    WHEN 'receipts' THEN SELECT count(*) INTO stored FROM purchasing.receipt_line r WHERE r.load_id = loaded.load_id;
    WHEN 'orders' THEN
      SELECT count(DISTINCT s.content_hash) INTO stored FROM intake.stage_order_line s
      JOIN purchasing.order_line o ON o.entity = s.entity AND o.po_number = s.po_number AND o.po_line = s.po_line
      JOIN purchasing.master_version v ON v.kind = 'order_line' AND v.business_key = s.entity || '/' || s.po_number || '/' || s.po_line AND v.load_id = s.load_id
      WHERE s.load_id = loaded.load_id;
    ELSE
      SELECT count(DISTINCT s.content_hash) INTO stored FROM intake.stage_supplier s JOIN purchasing.supplier k ON k.supplier_id = s.supplier_id
      JOIN purchasing.master_version v ON v.kind = 'supplier' AND v.business_key = s.supplier_id AND v.load_id = s.load_id
      WHERE s.load_id = loaded.load_id;
  END CASE;
  -- rows of the same keys that were known or set aside stand beside the accepted ones
  IF loaded.dataset IN ('orders', 'suppliers') THEN stored := least(stored, loaded.accepted_count); END IF;
END $$;

-- Received or approved, and yet not booked or not proposed for payment: with the reason, so that nothing waits in silence.
CREATE OR REPLACE FUNCTION ledger.left_undone() RETURNS jsonb
LANGUAGE sql STABLE SET search_path = ledger, purchasing, pg_catalog, pg_temp AS $$
  WITH posting AS MATERIALIZED (SELECT p.entity FROM posting_day p), receipt AS (
    SELECT 'received, not booked' AS what, NULL::numeric AS amount, NULL::text AS currency,
      CASE WHEN NOT EXISTS (SELECT FROM posting p WHERE p.entity = r.entity) THEN 'company code ' || r.entity || ' has no open fiscal period'
           WHEN o.currency <> e.ledger_currency THEN 'waits for an exchange rate from ' || o.currency || ' to ' || e.ledger_currency
           ELSE 'waits for the next posting' END AS reason
    FROM receipt_queue q JOIN receipt_line r ON r.receipt_line_id = q.receipt_line_id JOIN order_line o ON o.order_line_id = r.order_line_id JOIN ops.entity e ON e.entity = r.entity
  ), open AS (
    SELECT st.invoice_id, st.booking_no, i.entity, i.currency, i.gross_total, d.maker, d.outcome, d.evidence_hash, d.policy_id
    FROM invoice_status st JOIN invoice i ON i.invoice_id = st.invoice_id
    JOIN LATERAL last_decision('invoice_reconciliation', st.invoice_id) d ON true
    WHERE st.state <> 'rejected' AND (st.booking_no IS NULL OR st.payment_block)
      AND NOT EXISTS (SELECT FROM hold h WHERE h.invoice_id = st.invoice_id AND h.released_at IS NULL AND h.effect IN ('B', 'P'))
  ), approved AS (
    SELECT CASE WHEN u.booking_no IS NULL THEN 'approved, not booked' ELSE 'approved, not proposed' END AS what, abs(u.gross_total) AS amount, u.currency,
      CASE WHEN NOT EXISTS (SELECT FROM posting p WHERE p.entity = u.entity) THEN 'company code ' || u.entity || ' has no open fiscal period'
           WHEN EXISTS (SELECT FROM match_queue q WHERE q.invoice_id = u.invoice_id) THEN 'waits to be compared'
           WHEN EXISTS (SELECT FROM review.unsigned_posting x WHERE x.invoice_id = u.invoice_id) THEN 'waits for the signature under its batch'
           WHEN u.maker = 'machine' AND p.policy_id IS NULL THEN 'the policy it was decided by is not active'
           WHEN NOT EXISTS (SELECT FROM approved_amount a WHERE a.invoice_id = u.invoice_id) AND p.currency <> u.currency THEN 'the policy decides in ' || p.currency || ', the document is in ' || u.currency
           WHEN NOT EXISTS (SELECT FROM approved_amount a WHERE a.invoice_id = u.invoice_id) AND abs(u.gross_total) > p.machine_limit THEN 'above the machine''s limit'
           WHEN u.maker = 'machine' AND c.evidence_hash <> u.evidence_hash THEN 'the facts changed after the decision'
           WHEN u.booking_no IS NULL THEN 'waits for the next posting'
           WHEN rests_on(u.invoice_id, s.stale) THEN 'a source did not deliver'
           ELSE 'orders and receipts do not cover what is booked' END AS reason
    FROM open u JOIN evidence_of(ARRAY(SELECT x.invoice_id FROM open x)) c ON c.invoice_id = u.invoice_id CROSS JOIN (SELECT undelivered('invoice_reconciliation') AS stale OFFSET 0) s
    LEFT JOIN active_policy p ON p.policy_id = u.policy_id
    WHERE u.outcome = 'approve' OR EXISTS (SELECT FROM accepted_by_person a WHERE a.invoice_id = u.invoice_id)
  ), counted AS (
    SELECT x.what, x.reason, count(*) AS n, sum(x.amount) AS amount, x.currency
    FROM (SELECT what, reason, amount, currency FROM receipt UNION ALL SELECT what, reason, amount, currency FROM approved) x GROUP BY x.what, x.reason, x.currency
  )
  SELECT coalesce(jsonb_agg(jsonb_build_object('what', c.what, 'reason', c.reason, 'count', c.n, 'amount', trim_scale(c.amount)::text, 'currency', c.currency) ORDER BY c.what, c.reason, c.currency), '[]') FROM counted c
$$;

-- Every invariant that a run can check, with what was found. Failing ones fail the run.
CREATE OR REPLACE FUNCTION ops.check_run(run_in bigint) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_agg(jsonb_build_object('check', c.name, 'ok', c.wrong = 0, 'detail', c.detail) ORDER BY c.place) FROM (
    SELECT 1 AS place, 'received = accepted + quarantined + already known' AS name,
      count(*) FILTER (WHERE l.received_count <> l.accepted_count + l.quarantined_count + l.known_count OR l.received_amount <> l.accepted_amount + l.quarantined_amount + l.known_amount
        OR l.source_count + l.judged_again <> s.counted OR l.source_amount <> s.amount AND s.unknown = 0 AND l.judged_again = 0
        OR l.quarantined_count > s.quarantined OR (l.received_count, l.received_amount, l.received_unknown) IS DISTINCT FROM (s.counted, s.amount, s.unknown)) AS wrong,
      count(*) || ' loads accepted' AS detail FROM intake.load l CROSS JOIN LATERAL ops.staged_of_load(l) s WHERE l.run_id = run_in AND l.state = 'accepted'
    UNION ALL
    SELECT 2, 'every accepted row is a fact', count(*) FILTER (WHERE s.stored IS DISTINCT FROM l.accepted_count), coalesce(sum(s.stored), 0) || ' of ' || coalesce(sum(l.accepted_count), 0) || ' rows stored'
    FROM intake.load l CROSS JOIN LATERAL ops.staged_of_load(l) s WHERE l.run_id = run_in AND l.state = 'accepted'
    UNION ALL
    SELECT 3, 'every accepted line is in exactly one state', count(*), count(*) || ' lines without a state'
    FROM intake.load d JOIN purchasing.invoice i ON i.load_id = d.load_id JOIN purchasing.invoice_line l ON l.invoice_id = i.invoice_id
    WHERE d.run_id = run_in AND NOT EXISTS (SELECT FROM ledger.line_state s WHERE s.invoice_line_id = l.invoice_line_id)
      AND NOT EXISTS (SELECT FROM ledger.match_queue q WHERE q.invoice_id = l.invoice_id)
    UNION ALL
    SELECT 4, 'journal balances', CASE WHEN coalesce(sum(l.ledger_debit - l.ledger_credit), 0) = 0 THEN 0 ELSE 1 END,
      'debit ' || coalesce(sum(l.ledger_debit), 0) || ', credit ' || coalesce(sum(l.ledger_credit), 0)
    FROM ledger.journal_entry e JOIN ledger.journal_line l ON l.entry_id = e.entry_id WHERE e.run_id = run_in
    UNION ALL
    SELECT 5, 'GR/IR balance per order line ties to the journal', count(*), count(*) || ' order lines differ'
    FROM ledger.gr_ir g FULL JOIN (
      SELECT l.order_line_id, coalesce(sum(l.debit - l.credit) FILTER (WHERE e.event <> 'goods_receipt'), 0) AS billed, coalesce(sum(l.credit - l.debit) FILTER (WHERE e.event = 'goods_receipt'), 0) AS received
      FROM ledger.journal_line l JOIN ledger.journal_entry e ON e.entry_id = l.entry_id
      WHERE l.order_line_id IS NOT NULL AND l.account IN (SELECT a.account FROM ledger.account_role a WHERE a.role = 'gr_ir') GROUP BY l.order_line_id) j ON j.order_line_id = g.order_line_id
    WHERE (coalesce(g.billed_value, 0), coalesce(g.received_value, 0)) <> (coalesce(j.billed, 0), coalesce(j.received, 0))
    UNION ALL
    SELECT 6, 'open items tie to accounts payable', CASE WHEN i.amount = p.amount THEN 0 ELSE 1 END, 'open items ' || i.amount || ', accounts payable ' || p.amount
    FROM (SELECT coalesce(sum(o.amount), 0) AS amount FROM ledger.open_item o WHERE o.closed_by_entry IS NULL) i,
      (SELECT coalesce(sum(l.credit - l.debit), 0) AS amount FROM ledger.journal_line l WHERE l.account IN (SELECT a.account FROM ledger.account_role a WHERE a.role = 'accounts_payable')) p
    UNION ALL
    SELECT 7, 'nothing is proposed for payment that is held', count(*), count(*) || ' proposals on held invoices'
    FROM ledger.payment_proposal p JOIN ledger.invoice_status st ON st.invoice_id = p.invoice_id
    WHERE p.state = 'proposed' AND (st.payment_block OR st.state <> 'matched' OR EXISTS (SELECT FROM ledger.hold h WHERE h.invoice_id = p.invoice_id AND h.released_at IS NULL AND h.effect IN ('B', 'P')))
    UNION ALL
    SELECT 8, 'every hold under review is in a case', count(*), count(*) || ' holds without a case'
    FROM review.asked_hold h
    JOIN ledger.invoice_status st ON st.invoice_id = h.invoice_id AND st.state IN ('held', 'waiting_receipt')
    WHERE NOT EXISTS (SELECT FROM review.case_item x WHERE x.hold_id = h.hold_id)
      -- an answer that waits to be booked is void when its holds changed: then the case is open again and takes these in
      AND NOT EXISTS (SELECT FROM review.case k JOIN ledger.hold_code r ON r.role = k.role WHERE k.subject_kind = 'invoice' AND k.subject_id = h.invoice_id AND k.state = 'decided' AND r.code = h.code)
    UNION ALL
    SELECT 9, 'every company code with something to book has an open fiscal period', count(*), coalesce('none ahead: ' || string_agg(e.entity, ', ' ORDER BY e.entity), 'all have one')
    FROM ops.entity e WHERE NOT EXISTS (SELECT FROM ledger.posting_day p WHERE p.entity = e.entity) AND (
      EXISTS (SELECT FROM ledger.receipt_queue q JOIN purchasing.receipt_line r ON r.receipt_line_id = q.receipt_line_id WHERE r.entity = e.entity)
      OR EXISTS (SELECT FROM ledger.invoice_status st JOIN purchasing.invoice i ON i.invoice_id = st.invoice_id WHERE i.entity = e.entity AND st.booking_no IS NULL AND st.state <> 'rejected'
                 AND NOT EXISTS (SELECT FROM ledger.hold h WHERE h.invoice_id = st.invoice_id AND h.released_at IS NULL AND h.effect = 'B'))
      OR EXISTS (SELECT FROM review.answer n JOIN review.case c ON c.case_id = n.case_id WHERE n.booked_at IS NULL AND n.final AND c.state = 'decided' AND c.subject_kind <> 'quarantine' AND c.entity = e.entity))
    UNION ALL
    SELECT 10, 'every booked invoice that is free for payment is proposed', count(*), count(*) || ' free invoices without a proposal'
    FROM ledger.invoice_status st JOIN ledger.open_item o ON o.invoice_id = st.invoice_id AND o.closed_by_entry IS NULL AND o.amount <> 0
    WHERE st.booking_no IS NOT NULL AND NOT st.payment_block AND st.state <> 'rejected'
      AND NOT EXISTS (SELECT FROM ledger.payment_proposal p WHERE p.invoice_id = st.invoice_id AND p.state = 'proposed')
    UNION ALL
    SELECT 11, 'nothing is booked that waits for the signature under its batch', count(*), count(*) || ' invoices booked without it'
    FROM review.unsigned_posting x JOIN ledger.invoice_status st ON st.invoice_id = x.invoice_id WHERE st.booking_no IS NOT NULL
  ) c
$$;

-- Policies whose shipped text is not the active one: drafts, which decide nothing.
CREATE OR REPLACE FUNCTION ledger.draft_policies(shipped jsonb) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(jsonb_agg(f.policy_id ORDER BY f.policy_id), '[]') FROM jsonb_each_text(shipped) AS f(policy_id, sha256)
  WHERE NOT EXISTS (SELECT FROM ledger.active_policy p WHERE p.policy_id = f.policy_id AND p.sha256 = f.sha256)
$$;

CREATE OR REPLACE FUNCTION ops.build_report(run_in bigint) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH this_run AS (SELECT * FROM ops.run r WHERE r.run_id = run_in),
  latest AS (
    SELECT DISTINCT ON (d.subject_id) d.subject_id AS invoice_id, d.outcome, d.maker FROM ledger.decision d JOIN this_run r ON r.process = d.process
    WHERE d.subject_kind = 'invoice' ORDER BY d.subject_id, d.decision_id DESC
  ), evaluated AS (
    SELECT st.invoice_id, coalesce(l.outcome, 'none') AS outcome, l.maker, st.state FROM ledger.invoice_status st LEFT JOIN latest l ON l.invoice_id = st.invoice_id
    JOIN purchasing.invoice i ON i.invoice_id = st.invoice_id JOIN intake.load ld ON ld.load_id = i.load_id
    WHERE ld.run_id = run_in OR st.evaluated_run = run_in
  )
  SELECT jsonb_build_object(
    'run', (SELECT jsonb_build_object('run_id', r.run_id::text, 'process', r.process, 'dag_id', r.dag_id, 'airflow_run_id', r.airflow_run_id, 'business_date', r.business_date::text, 'dry_run', r.dry_run,
      'started_at', ops.utc(r.started_at), 'package_version', r.package_version, 'synthetic', coalesce((r.parameters ->> 'synthetic')::boolean, false)) FROM this_run r),
    'sources', (SELECT coalesce(jsonb_agg(jsonb_build_object('source', l.source, 'dataset', l.dataset, 'state', l.state, 'profile', l.profile, 'parser', l.parser,
        'received', l.received_count::text, 'accepted', l.accepted_count::text, 'quarantined', l.quarantined_count::text, 'known', l.known_count::text,
        'received_amount', trim_scale(l.received_amount)::text, 'accepted_amount', trim_scale(l.accepted_amount)::text, 'quarantined_amount', trim_scale(l.quarantined_amount)::text,
        'known_amount', trim_scale(l.known_amount)::text, 'unknown', l.received_unknown::text, 'as_of', ops.utc(l.window_until)) ORDER BY l.load_id), '[]')
      FROM intake.load l WHERE l.run_id = run_in AND l.state <> 'superseded'),
    'stale', (SELECT coalesce(jsonb_agg(d ORDER BY d), '[]') FROM unnest(ops.stale_datasets(run_in)) AS d),
    'invoices', (SELECT jsonb_build_object('evaluated', count(*), 'approve', count(*) FILTER (WHERE outcome = 'approve'), 'wait', count(*) FILTER (WHERE outcome = 'wait'),
        'review', count(*) FILTER (WHERE outcome = 'review'), 'by_people', count(*) FILTER (WHERE maker = 'human'),
        'straight_through_rate', CASE WHEN count(*) > 0 THEN round(count(*) FILTER (WHERE outcome = 'approve')::numeric / count(*), 4)::text END) FROM evaluated),
    'lines', (SELECT jsonb_build_object('matched', count(*) FILTER (WHERE s.state = 'matched'), 'waiting_receipt', count(*) FILTER (WHERE s.state = 'waiting_receipt'),
        'waiting_source', count(*) FILTER (WHERE s.state = 'waiting_source'), 'held', count(*) FILTER (WHERE s.state = 'held'))
      FROM ledger.line_state s JOIN ledger.invoice_status st ON st.invoice_id = s.invoice_id WHERE st.state <> 'rejected'),
    'holds', (SELECT coalesce(jsonb_agg(jsonb_build_object('code', x.code, 'title', x.title, 'effect', x.effect, 'count', x.n, 'amount', x.amount::text) ORDER BY x.n DESC, x.code), '[]')
      FROM (SELECT o.code, c.title, o.effect, sum(o.n) AS n, sum(abs(i.gross_total)) AS amount -- an invoice counts once, however many of its lines are held
            FROM (SELECT h.invoice_id, h.code, h.effect, count(*) AS n FROM ledger.hold h WHERE h.released_at IS NULL GROUP BY h.invoice_id, h.code, h.effect) o
            JOIN ledger.hold_code c ON c.code = o.code JOIN purchasing.invoice i ON i.invoice_id = o.invoice_id GROUP BY o.code, c.title, o.effect) x),
    'left_undone', ledger.left_undone(),
    'bookings', (SELECT jsonb_build_object('entries', count(DISTINCT e.entry_id), 'debit', coalesce(sum(l.debit), 0)::text, 'credit', coalesce(sum(l.credit), 0)::text, 'currency', min(l.currency),
        'by_event', (SELECT coalesce(jsonb_agg(jsonb_build_object('event', y.event, 'entries', y.n, 'debit', y.debit::text) ORDER BY y.event), '[]')
          FROM (SELECT v.event, count(DISTINCT v.entry_id) AS n, sum(w.debit) AS debit FROM ledger.journal_entry v JOIN ledger.journal_line w ON w.entry_id = v.entry_id WHERE v.run_id = run_in GROUP BY v.event) y))
      FROM ledger.journal_entry e JOIN ledger.journal_line l ON l.entry_id = e.entry_id WHERE e.run_id = run_in),
    'payments', (SELECT jsonb_build_object('proposed', count(*), 'amount', coalesce(sum(p.amount), 0)::text, 'currency', min(p.currency)) FROM ledger.payment_proposal p WHERE p.run_id = run_in AND p.state = 'proposed'),
    'cases', (SELECT jsonb_build_object('opened', count(*) FILTER (WHERE c.opened_run = run_in), 'open', count(*) FILTER (WHERE c.state IN ('open', 'half_decided')),
        'by_role', (SELECT coalesce(jsonb_agg(jsonb_build_object('role', z.role, 'open', z.n) ORDER BY z.role), '[]') FROM (SELECT k.role, count(*) AS n FROM review.case k WHERE k.state IN ('open', 'half_decided') GROUP BY k.role) z))
      FROM review.case c JOIN this_run r ON r.process = c.process),
    'quarantine', (SELECT coalesce(jsonb_agg(jsonb_build_object('dataset', q.dataset, 'reason', q.reason, 'count', q.n) ORDER BY q.dataset, q.reason), '[]')
      FROM (SELECT x.dataset, f.value ->> 'reason' AS reason, count(*) AS n FROM intake.quarantine x JOIN intake.load l ON l.load_id = x.load_id, jsonb_array_elements(x.findings) AS f(value)
            WHERE l.run_id = run_in GROUP BY x.dataset, f.value ->> 'reason') q),
    'quarantine_open', intake.open_quarantine(),
    'money_at_stake', (SELECT coalesce(jsonb_agg(jsonb_build_object('currency', m.currency, 'amount', m.amount::text, 'what', m.what) ORDER BY m.what, m.currency), '[]')
      FROM (SELECT i.currency, sum(abs(i.gross_total)) AS amount, CASE WHEN st.booking_no IS NULL THEN 'parked, not booked' ELSE 'booked, blocked for payment' END AS what
            FROM ledger.invoice_status st JOIN purchasing.invoice i ON i.invoice_id = st.invoice_id
            WHERE st.state <> 'rejected' AND (st.booking_no IS NULL OR st.payment_block) GROUP BY 1, 3) m),
    'policy', (SELECT jsonb_build_object('policy_id', p.policy_id, 'version', p.version::text, 'sha256', p.sha256) FROM ledger.active_policy p WHERE p.policy_id = 'approve_invoice'),
    'audit', (SELECT jsonb_build_object('checkpoint', s.short, 'size', s.size::text, 'root', encode(s.root, 'hex'), 'sealed_at', ops.utc(s.sealed_at),
        'waiting', (SELECT count(*) FROM audit.waiting), 'sealer', audit.sealer_is_there()) FROM (SELECT) AS one LEFT JOIN audit.latest_seal s ON true),
    'oversight', (SELECT review.oversight_report(r.process) FROM this_run r),
    'checks', ops.check_run(run_in))
$$;

DROP FUNCTION IF EXISTS ops.write_report(bigint);
-- shipped: hash of each shipped policy text by its id.
CREATE OR REPLACE FUNCTION ops.write_report(run_in bigint, shipped jsonb DEFAULT '{}') RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE built jsonb;
BEGIN
  built := ops.build_report(run_in) || jsonb_build_object('draft_policies', ledger.draft_policies(shipped));
  INSERT INTO ops.run_report (run_id, report) VALUES (run_in, built)
  ON CONFLICT (run_id) DO UPDATE SET report = excluded.report, written_at = now();
  UPDATE ops.run r SET reported_at = coalesce(r.reported_at, now()) WHERE r.run_id = run_in;
  RETURN built;
END $$;

-- The report of a rehearsal is kept although the rehearsal itself was rolled back.
CREATE OR REPLACE FUNCTION ops.keep_rehearsal(run_in bigint, report_in jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT (SELECT r.dry_run FROM ops.run r WHERE r.run_id = run_in) THEN
    PERFORM review.refuse('BO403', format('run %s is no dry run', run_in));
  END IF;
  INSERT INTO ops.run_report (run_id, report) VALUES (run_in, report_in) ON CONFLICT (run_id) DO UPDATE SET report = excluded.report, written_at = now();
END $$;
