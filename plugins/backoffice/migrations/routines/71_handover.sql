-- What a case hands over besides its holds: hypotheses, a timeline per line, similar cases, the exact entries that an answer
-- would book, and what changed. Gathered for all cases of a run at once.

-- What became of a document, in a few words.
CREATE OR REPLACE FUNCTION review.state_of_invoice(invoice_in bigint) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN st.state = 'rejected' AND st.booking_no IS NOT NULL THEN 'rejected, its entry reversed' WHEN st.state = 'rejected' THEN 'rejected'
              WHEN p.invoice_id IS NOT NULL THEN 'booked, payment proposed for ' || p.pay_on WHEN st.booking_no IS NULL THEN 'not booked'
              WHEN st.payment_block THEN 'booked, payment blocked' ELSE 'booked' END
  FROM ledger.invoice_status st LEFT JOIN ledger.payment_proposal p ON p.invoice_id = st.invoice_id AND p.state = 'proposed' WHERE st.invoice_id = invoice_in
$$;

CREATE OR REPLACE FUNCTION review.evidence_of_line(order_line_in bigint) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_build_object('what', 'order line', 'reference', o.po_number || ' line ' || o.po_line || ' version ' || o.version, 'id', o.order_line_id::text,
    'at', CASE WHEN o.version > 1 THEN ops.utc(least(o.source_updated_at, l.accepted_at)) ELSE o.order_date::text END, 'currency', o.currency) || CASE WHEN o.amount_based
      THEN jsonb_build_object('amount', trim_scale(o.ordered_value)::text)
      ELSE jsonb_build_object('quantity', trim_scale(o.quantity)::text, 'uom', o.uom, 'price', trim_scale(o.unit_price)::text, 'per', trim_scale(o.price_base_quantity)::text) END
  FROM purchasing.order_line o JOIN intake.load l ON l.load_id = o.load_id WHERE o.order_line_id = order_line_in
$$;

-- The latest receipts of an order line, returns and cancellations among them.
CREATE OR REPLACE FUNCTION review.evidence_of_receipts(order_line_in bigint) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(jsonb_agg(jsonb_build_object('what', CASE WHEN r.quantity >= 0 THEN 'receipt' WHEN r.reverses_number IS NULL THEN 'return' ELSE 'cancelled receipt' END,
    'reference', r.receipt_number || '/' || r.receipt_line, 'id', r.receipt_line_id::text, 'quantity', trim_scale(r.quantity)::text, 'uom', r.uom, 'at', ops.utc(r.received_at)) ORDER BY r.received_at, r.receipt_line_id), '[]')
  FROM (SELECT x.*, o.uom FROM purchasing.receipt_line x JOIN purchasing.order_line o ON o.order_line_id = x.order_line_id WHERE x.order_line_id = order_line_in ORDER BY x.received_at DESC, x.receipt_line_id DESC LIMIT 5) r
$$;

-- The latest other documents that bill or credit an order line.
CREATE OR REPLACE FUNCTION review.evidence_of_billing(order_line_in bigint, but_invoice bigint) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(jsonb_agg(jsonb_build_object('what', replace(b.kind, '_', ' '), 'reference', b.invoice_number || ' line ' || b.line_id, 'id', b.invoice_id::text, 'quantity', trim_scale(b.quantity)::text, 'uom', b.uom,
    'at', b.invoice_date::text, 'state', review.state_of_invoice(b.invoice_id)) ORDER BY b.invoice_date, b.invoice_id), '[]')
  FROM (SELECT i.invoice_id, i.kind, i.invoice_number, i.invoice_date, l.line_id, l.quantity, l.uom FROM purchasing.invoice_line l JOIN purchasing.invoice i ON i.invoice_id = l.invoice_id
        WHERE l.order_line_id = order_line_in AND l.invoice_id <> but_invoice ORDER BY i.invoice_date DESC, i.invoice_id DESC LIMIT 5) b
$$;

-- Possible causes of what disagrees, each with the evidence that the ledger gives for it: the best fit first, then what explains
-- most. One row per invoice that has any.
CREATE OR REPLACE FUNCTION review.find_hypotheses(invoices bigint[]) RETURNS TABLE (invoice_id bigint, hypotheses jsonb)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  WITH line AS MATERIALIZED (
    {{ include: handover/gather_lines }}
  ), found AS (
    ({{ include: handover/unit_factor }}
    ) UNION ALL ({{ include: handover/older_order_price }}
    ) UNION ALL ({{ include: handover/other_currency }}
    ) UNION ALL ({{ include: handover/receipt_elsewhere }}
    ) UNION ALL ({{ include: handover/charge_in_price }}
    ) UNION ALL ({{ include: handover/swapped_values }}
    ) UNION ALL ({{ include: handover/cancelled_receipt }}
    ) UNION ALL ({{ include: handover/partial_delivery }}
    ) UNION ALL ({{ include: handover/tax_in_net }}
    ) UNION ALL ({{ include: handover/dearer_price }}
    ) UNION ALL ({{ include: handover/repeated_document }}
    ) UNION ALL ({{ include: handover/over_billed }}
    ) UNION ALL ({{ include: handover/other_order }}
    ) UNION ALL ({{ include: handover/other_supplier }}
    ) UNION ALL ({{ include: handover/wrong_sum }}
    ) UNION ALL ({{ include: handover/credited_before }}
    )
  ), best AS (
    SELECT DISTINCT ON (f.invoice_id, f.invoice_line_id, f.hypothesis) f.* FROM found f
    WHERE jsonb_array_length(f.facts -> 'evidence') > 0
    ORDER BY f.invoice_id, f.invoice_line_id, f.hypothesis, f.fit DESC, f.explains DESC, f.facts::text COLLATE "C"
  ), ranked AS (
    SELECT b.*, l.line_id, l.position, row_number() OVER (PARTITION BY b.invoice_id ORDER BY b.fit DESC, b.explains DESC, l.position NULLS FIRST, b.hypothesis COLLATE "C") AS place
    FROM best b LEFT JOIN line l ON l.invoice_line_id = b.invoice_line_id
  )
  SELECT r.invoice_id, jsonb_agg(jsonb_build_object('hypothesis', r.hypothesis, 'line_id', r.line_id, 'position', r.position, 'score', trim_scale(r.fit)::text, 'explains', r.explains,
           'facts', jsonb_strip_nulls(r.facts - 'evidence'), 'evidence', r.facts -> 'evidence') ORDER BY r.place)
  FROM ranked r WHERE r.place <= 12 GROUP BY r.invoice_id
$$;

-- What happened on the order lines of these invoices: order versions, receipts, returns, other documents and this one. Lines
-- with a hold, or the first three when the document as a whole is held; the latest forty events of each.
CREATE OR REPLACE FUNCTION review.tell_lines(invoices bigint[]) RETURNS TABLE (invoice_id bigint, timeline jsonb)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  {{ include: handover/tell_lines }}
$$;

-- Where the compared values come from, by position of the line ('' is the document as a whole): source, document, line, date.
CREATE OR REPLACE FUNCTION review.name_sources(invoices bigint[]) RETURNS TABLE (invoice_id bigint, sources jsonb)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  {{ include: handover/name_sources }}
$$;

-- How cases of these suppliers ended before: by code and outcome, and the last five.
CREATE OR REPLACE FUNCTION review.find_similar(suppliers text[]) RETURNS TABLE (supplier_id text, similar_cases jsonb)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  {{ include: handover/find_similar }}
$$;

-- Book these invoices by the booking itself, keep what it would have written, and take it all back. Two that share an order line are
-- rehearsed one after the other, each as if it came alone.
CREATE OR REPLACE FUNCTION ledger.rehearse_booking(invoices bigint[], run_in bigint) RETURNS TABLE (invoice_id bigint, entries jsonb)
LANGUAGE plpgsql SET search_path = ledger, purchasing, pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE waiting bigint[] := invoices; now_ones bigint[]; written jsonb; told jsonb := '[]';
BEGIN
  WHILE cardinality(waiting) > 0 LOOP
    SELECT array_agg(w.id) INTO now_ones FROM unnest(waiting) AS w(id) WHERE NOT EXISTS (
      SELECT FROM invoice_line a JOIN invoice_line b ON b.order_line_id = a.order_line_id AND b.invoice_id < a.invoice_id AND b.invoice_id = ANY (waiting) WHERE a.invoice_id = w.id);
    BEGIN
      TRUNCATE work_booking;
      INSERT INTO work_booking (invoice_id, decision_id, payment_block)
      SELECT w.id, d.decision_id, true FROM unnest(now_ones) AS w(id)
      JOIN LATERAL last_decision('invoice_reconciliation', w.id) d ON true;
      PERFORM book_invoices(run_in);
      SELECT coalesce(jsonb_agg(jsonb_build_array(e.invoice_id, e.told)), '[]') INTO written FROM (
        SELECT e.invoice_id, jsonb_build_object('event', e.event, 'lines', jsonb_agg(jsonb_build_object('account', l.account, 'name', a.name, 'debit', l.debit::text, 'credit', l.credit::text,
                 'currency', l.currency, 'purpose', l.purpose) ORDER BY l.line_no)) AS told
        FROM work_booking b JOIN journal_entry e ON e.invoice_id = b.invoice_id AND e.event IN ('invoice', 'credit_note') JOIN journal_line l ON l.entry_id = e.entry_id JOIN account a ON a.account = l.account
        GROUP BY e.invoice_id, e.entry_id) e;
      RAISE EXCEPTION 'rehearsed' USING ERRCODE = 'BO299';
    EXCEPTION WHEN SQLSTATE 'BO299' THEN
      told := told || written;
    WHEN SQLSTATE 'BO422' THEN -- an account is missing: the page says that nothing can be booked, the night goes on
      told := told || (SELECT coalesce(jsonb_agg(jsonb_build_array(w.id, jsonb_build_object('event', 'not possible', 'note', SQLERRM, 'lines', '[]'::jsonb))), '[]') FROM unnest(now_ones) AS w(id));
    END;
    waiting := ARRAY(SELECT w.id FROM unnest(waiting) AS w(id) WHERE w.id <> ALL (now_ones) ORDER BY w.id);
  END LOOP;
  RETURN QUERY SELECT (t.value ->> 0)::bigint, jsonb_agg(t.value -> 1) FROM jsonb_array_elements(told) AS t(value) GROUP BY 1;
END $$;

-- What differs between two states of a case's holds: holds that came and went, and facts with their value before and now.
CREATE OR REPLACE FUNCTION review.changed_facts(before_in jsonb, now_in jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  WITH earlier AS (SELECT h ->> 'code' AS code, coalesce(h ->> 'line_id', '') AS line, h FROM jsonb_array_elements(before_in) AS h),
  present AS (SELECT h ->> 'code' AS code, coalesce(h ->> 'line_id', '') AS line, h FROM jsonb_array_elements(now_in) AS h),
  changed AS (
    SELECT coalesce(e.code, p.code) AS code, coalesce(e.line, p.line) AS line, '' AS fact, CASE WHEN e.h IS NULL THEN 'not held' ELSE 'held' END AS before, CASE WHEN p.h IS NULL THEN 'not held' ELSE 'held' END AS now
    FROM earlier e FULL JOIN present p ON p.code = e.code AND p.line = e.line WHERE e.h IS NULL OR p.h IS NULL
    UNION ALL
    SELECT e.code, e.line, f.fact, b.value, n.value
    FROM earlier e JOIN present p ON p.code = e.code AND p.line = e.line
    CROSS JOIN LATERAL (SELECT e.h -> 'facts' || jsonb_strip_nulls(jsonb_build_object('measured', e.h -> 'measured', 'limit', e.h -> 'limit')) AS was,
                               p.h -> 'facts' || jsonb_strip_nulls(jsonb_build_object('measured', p.h -> 'measured', 'limit', p.h -> 'limit')) AS being) x
    CROSS JOIN LATERAL (SELECT jsonb_object_keys(x.was || x.being)) AS f(fact)
    CROSS JOIN LATERAL (SELECT x.was ->> f.fact) AS b(value) CROSS JOIN LATERAL (SELECT x.being ->> f.fact) AS n(value)
    WHERE b.value IS DISTINCT FROM n.value
  )
  SELECT coalesce(jsonb_agg(jsonb_build_object('code', c.code, 'line', c.line, 'fact', c.fact, 'before', c.before, 'now', c.now) ORDER BY c.line COLLATE "C", c.code COLLATE "C", c.fact COLLATE "C"), '[]') FROM changed c
$$;

-- What changed in an invoice's case since somebody saw the facts of this hash. NULL: nothing. Empty: something, and what they saw is not known.
CREATE OR REPLACE FUNCTION review.changes_since(case_in bigint, evidence_in bytea) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(review.changed_facts(seen.holds, review.case_holds(c.subject_id, c.role)), '[]')
  FROM review.case c
  CROSS JOIN LATERAL (SELECT CASE WHEN c.evidence_hash = evidence_in THEN c.handover -> 'holds'
    ELSE (SELECT e -> 'holds' FROM jsonb_array_elements(c.handover -> 'earlier') AS e WHERE e ->> 'evidence' = encode(evidence_in, 'hex') LIMIT 1) END AS holds) seen
  WHERE c.case_id = case_in AND c.subject_kind = 'invoice' AND c.state IN ('open', 'half_decided') AND review.invoice_evidence(c.subject_id, c.role) IS DISTINCT FROM evidence_in
$$;

-- The same as one clause: QTY_REC line 1 received 90, now 95; PRICE line 1 no longer held.
CREATE OR REPLACE FUNCTION review.changes_in_words(changes jsonb) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT string_agg(c ->> 'code' || CASE WHEN c ->> 'line' = '' THEN '' ELSE ' line ' || (c ->> 'line') END || CASE
      WHEN c ->> 'fact' = '' AND c ->> 'now' = 'held' THEN ' is new' WHEN c ->> 'fact' = '' THEN ' is no longer held'
      ELSE ' ' || replace(c ->> 'fact', '_', ' ') || ' ' || coalesce(c ->> 'before', 'not known') || ', now ' || coalesce(c ->> 'now', 'not known') END, '; ' ORDER BY n)
  FROM jsonb_array_elements(changes) WITH ORDINALITY AS x(c, n) WHERE n <= 10
$$;

-- The states in which a case was shown before: the first and the last nine, so that who decides on one of them is told what changed.
CREATE OR REPLACE FUNCTION review.keep_earlier(handover_in jsonb, evidence_in bytea) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(jsonb_agg(s.state ORDER BY s.n), '[]')
  FROM (SELECT x.state, x.n, count(*) OVER () AS states FROM jsonb_array_elements(coalesce(handover_in -> 'earlier', '[]')
          || jsonb_build_array(jsonb_build_object('evidence', encode(evidence_in, 'hex'), 'until', ops.utc(now()), 'holds', handover_in -> 'holds'))) WITH ORDINALITY AS x(state, n)) s
  WHERE s.n = 1 OR s.n > s.states - 9
$$;

-- Open cases whose hand-over the books have overtaken: something was booked on their order lines since, or nothing was ever gathered.
CREATE OR REPLACE FUNCTION review.overtaken_cases(process_in text) RETURNS SETOF bigint
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
-- whenever a case is gathered, all are looked at: what is older than the latest was seen by every one of them
DECLARE seen bigint := (SELECT max(c.as_of_entry) FROM review.case c WHERE c.state IN ('open', 'half_decided'));
BEGIN
  RETURN QUERY
  WITH booked AS MATERIALIZED (
    SELECT DISTINCT j.order_line_id, e.invoice_id FROM ledger.journal_line j JOIN ledger.journal_entry e ON e.entry_id = j.entry_id WHERE j.entry_id > seen
  ), touched AS MATERIALIZED (
    SELECT l.invoice_id FROM (SELECT DISTINCT b.order_line_id FROM booked b) b JOIN purchasing.invoice_line l ON l.order_line_id = b.order_line_id
    UNION
    SELECT b.invoice_id FROM booked b
  )
  SELECT c.case_id FROM review.case c
  WHERE c.process = process_in AND c.subject_kind = 'invoice' AND c.state IN ('open', 'half_decided')
    AND (c.as_of_entry IS NULL OR c.subject_id IN (SELECT t.invoice_id FROM touched t));
END $$;

-- Complete the hand-over of these invoice cases.
CREATE OR REPLACE FUNCTION review.gather_handovers(cases bigint[], run_in bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE invoices bigint[]; bookings jsonb;
BEGIN
  invoices := ARRAY(SELECT DISTINCT c.subject_id FROM review.case c WHERE c.case_id = ANY (cases) AND c.subject_kind = 'invoice' ORDER BY 1);
  IF invoices = '{}' THEN RETURN; END IF;
  SELECT coalesce(jsonb_object_agg(b.invoice_id, b.entries), '{}') INTO bookings FROM ledger.rehearse_booking(ARRAY(
    SELECT st.invoice_id FROM ledger.invoice_status st WHERE st.invoice_id = ANY (invoices) AND st.booking_no IS NULL AND st.state <> 'rejected' ORDER BY 1), run_in) b;
  WITH reversal AS MATERIALIZED (
    SELECT e.invoice_id, jsonb_agg(jsonb_build_object('event', 'reversal', 'lines', e.lines) ORDER BY e.entry_id) AS entries
    FROM (SELECT r.invoice_id, r.entry_id, jsonb_agg(jsonb_build_object('account', r.account, 'name', a.name, 'debit', r.debit::text, 'credit', r.credit::text, 'currency', r.currency, 'purpose', r.purpose) ORDER BY r.line_no) AS lines
          FROM (SELECT u.invoice_id, l.* FROM ledger.entries_to_reverse(invoices) u CROSS JOIN LATERAL ledger.reversal_lines(u.entry_id) l) r JOIN ledger.account a ON a.account = r.account
          GROUP BY r.invoice_id, r.entry_id) e GROUP BY e.invoice_id
  ), standing AS MATERIALIZED ({{ include: handover/tell_standing }}),
  hypotheses AS MATERIALIZED (SELECT * FROM review.find_hypotheses(invoices)),
  timeline AS MATERIALIZED (SELECT * FROM review.tell_lines(invoices)),
  sources AS MATERIALIZED (SELECT * FROM review.name_sources(invoices)),
  similar_ones AS MATERIALIZED (SELECT * FROM review.find_similar(ARRAY(SELECT DISTINCT c.supplier_id FROM review.case c WHERE c.case_id = ANY (cases) AND c.supplier_id IS NOT NULL)))
  UPDATE review.case c SET as_of_entry = (SELECT coalesce(max(e.entry_id), 0) FROM ledger.journal_entry e),
    handover = c.handover || jsonb_build_object(
      'gathered_at', ops.utc(now()), 'hypotheses', coalesce(h.hypotheses, '[]'), 'timeline', coalesce(t.timeline, '[]'), 'sources', coalesce(s.sources, '{}'), 'similar', coalesce(m.similar_cases, '{}'),
      'changed', CASE WHEN c.handover -> 'earlier' -> 0 IS NULL THEN '[]' ELSE review.changed_facts(c.handover #> '{earlier,0,holds}', c.handover -> 'holds') END,
      'failed_step', (SELECT jsonb_build_object('step', CASE WHEN x ->> 'code' = 'APPROVAL' THEN 'decided' ELSE 'matched' END, 'hold_id', x -> 'hold_id', 'code', x -> 'code', 'at', (
          SELECT p -> 'at' FROM jsonb_array_elements(c.handover -> 'steps') AS p WHERE p ->> 'step' = 'matched'))
        FROM jsonb_array_elements(c.handover -> 'holds') WITH ORDINALITY AS k(x, n) ORDER BY x ->> 'effect', n LIMIT 1),
      'entries', jsonb_build_object('accept', coalesce(bookings -> k.subject_id::text, '[]'), 'reject', coalesce(r.entries, '[]'),
        -- what is booked already and stays when it is accepted, and where GR/IR of its order lines stands with it
        'standing', coalesce(b.entries, '[]'), 'gr_ir', coalesce(b.gr_ir, '[]'),
        -- what else has to be decided before an accepted document is booked
        'also_needed', (SELECT coalesce(jsonb_agg(DISTINCT q.role ORDER BY q.role), '[]') FROM review.asked_hold q WHERE q.invoice_id = c.subject_id AND q.role <> c.role AND q.effect = 'B')))
  FROM (SELECT x.case_id, x.subject_id, x.supplier_id FROM review.case x WHERE x.case_id = ANY (cases) AND x.subject_kind = 'invoice') k
  LEFT JOIN hypotheses h ON h.invoice_id = k.subject_id LEFT JOIN timeline t ON t.invoice_id = k.subject_id LEFT JOIN sources s ON s.invoice_id = k.subject_id
  LEFT JOIN similar_ones m ON m.supplier_id = k.supplier_id LEFT JOIN reversal r ON r.invoice_id = k.subject_id LEFT JOIN standing b ON b.invoice_id = k.subject_id
  WHERE c.case_id = k.case_id;
END $$;
