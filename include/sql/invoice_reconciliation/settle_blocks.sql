-- A payment block falls when nothing holds the invoice any more and its latest decision, on the facts of now, approves it,
-- or a person's booked answer stands for it.
-- It rises again when a new hold stands on a booked invoice; a proposal already made is withdrawn.
WITH risen AS (
  UPDATE invoice_status st SET payment_block = true
  WHERE st.booking_no IS NOT NULL AND NOT st.payment_block AND st.state <> 'rejected'
    AND EXISTS (SELECT FROM hold h WHERE h.invoice_id = st.invoice_id AND h.released_at IS NULL AND h.effect IN ('B', 'P'))
  RETURNING st.invoice_id
), withdrawn AS (
  UPDATE payment_proposal p SET state = 'withdrawn' FROM risen r WHERE p.invoice_id = r.invoice_id AND p.state = 'proposed'
)
SELECT count(*) INTO blocked FROM risen;

WITH fallen AS (
  UPDATE invoice_status st SET payment_block = false
  FROM current_evidence e, decision d, invoice i
  WHERE st.booking_no IS NOT NULL AND st.payment_block AND st.state = 'matched'
    AND i.invoice_id = st.invoice_id AND e.invoice_id = st.invoice_id
    AND d.decision_id = (SELECT x.decision_id FROM decision x WHERE x.process = 'invoice_reconciliation' AND x.subject_kind = 'invoice' AND x.subject_id = st.invoice_id ORDER BY x.decision_id DESC LIMIT 1)
    AND NOT EXISTS (SELECT FROM match_queue q WHERE q.invoice_id = st.invoice_id)
    AND NOT EXISTS (SELECT FROM hold h WHERE h.invoice_id = st.invoice_id AND h.released_at IS NULL AND h.effect IN ('B', 'P'))
    AND (EXISTS (SELECT FROM accepted_by_person a WHERE a.invoice_id = st.invoice_id)
      OR d.maker = 'machine' AND d.outcome = 'approve' AND d.evidence_hash = e.evidence_hash
         AND EXISTS (SELECT FROM policy_version p WHERE p.policy_id = d.policy_id AND p.version = d.policy_version AND p.sha256 = d.policy_sha256
                       AND p.active_until IS NULL AND p.currency = i.currency AND abs(i.gross_total) <= p.machine_limit))
  RETURNING st.invoice_id, i.content_hash,
    CASE d.outcome WHEN 'approve' THEN d.decision_id ELSE (SELECT a.decision_id FROM accepted_by_person a WHERE a.invoice_id = st.invoice_id) END AS decision_id
), recorded AS (
  SELECT count(*) AS n, array_agg('invoice:' || encode(f.content_hash, 'hex') ORDER BY f.content_hash) AS subjects,
         array_agg(audit.object('effect', audit.text('payment block released'), 'decision_id', audit.text(f.decision_id::text),
           'run_id', audit.text(run_in::text), 'at', audit.text(ops.utc(now()))) ORDER BY f.content_hash) AS bodies
  FROM fallen f
)
SELECT r.n INTO unblocked FROM recorded r LEFT JOIN LATERAL (SELECT audit.append_many('effect', r.subjects, r.bodies) WHERE r.n > 0) AS done(ok) ON true;

-- Coverage is computed here once more, from orders, receipts and booked lines, apart from the verdict: what is booked on an
-- order line up to and including this invoice must be ordered, and received where a receipt is required, within the widest
-- limit in force, unless a person released exactly such a hold on that line.
WITH free AS (
  SELECT st.invoice_id, st.booking_no FROM invoice_status st
  WHERE st.booking_no IS NOT NULL AND NOT st.payment_block AND st.state = 'matched'
    AND NOT EXISTS (SELECT FROM payment_proposal p WHERE p.invoice_id = st.invoice_id AND p.state = 'proposed')
), line AS (
  SELECT DISTINCT f.invoice_id, f.booking_no, l.order_line_id FROM free f JOIN invoice_line l ON l.invoice_id = f.invoice_id
), booked AS (
  SELECT n.invoice_id, n.order_line_id, sum(CASE i.kind WHEN 'credit_note' THEN -1 ELSE 1 END * x.net_amount) AS value,
         sum(CASE i.kind WHEN 'credit_note' THEN -1 ELSE 1 END * CASE WHEN x.uom = o.uom THEN x.quantity ELSE x.quantity * coalesce(f.numerator, g.numerator) / coalesce(f.denominator, g.denominator) END) AS quantity
  FROM line n JOIN order_line o ON o.order_line_id = n.order_line_id
  JOIN invoice_line x ON x.order_line_id = n.order_line_id
  JOIN invoice_status s ON s.invoice_id = x.invoice_id AND s.booking_no <= n.booking_no AND s.state <> 'rejected'
  JOIN invoice i ON i.invoice_id = x.invoice_id
  LEFT JOIN uom_factor f ON f.from_uom = x.uom AND f.to_uom = o.uom AND f.item = o.item
  LEFT JOIN uom_factor g ON g.from_uom = x.uom AND g.to_uom = o.uom AND g.item = '*'
  GROUP BY n.invoice_id, n.order_line_id
), widest AS (  -- no limit at all = not checked; one of two limits = that one
  SELECT coalesce(t.quantity, CASE WHEN t.pct IS NULL THEN 'infinity'::numeric ELSE 0 END) AS quantity, coalesce(t.pct, 0) AS pct,
         coalesce(t.value, CASE WHEN t.value_pct IS NULL THEN 'infinity'::numeric ELSE 0 END) AS value, coalesce(t.value_pct, 0) AS value_pct, coalesce(t.unreceived, 'infinity') AS unreceived
  FROM (SELECT max(t.up_abs) FILTER (WHERE t.code LIKE 'QTY%') AS quantity, max(t.up_pct) FILTER (WHERE t.code LIKE 'QTY%') AS pct,
               max(t.up_abs) FILTER (WHERE t.code = 'AMT_REC') AS value, max(t.up_pct) FILTER (WHERE t.code = 'AMT_REC') AS value_pct,
               max(t.up_abs) FILTER (WHERE t.code = 'NO_RECEIPT') AS unreceived
        FROM tolerance t
        WHERE t.tolerance_set = coalesce((SELECT r.tolerance_set FROM ops.rehearsal r WHERE r.run_id = run_in), (SELECT s.value FROM setting s WHERE s.name = 'tolerance_set'))) t
), uncovered AS MATERIALIZED (  -- once, not once per proposal
  SELECT n.invoice_id FROM line n LEFT JOIN order_line o ON o.order_line_id = n.order_line_id
  LEFT JOIN booked b ON b.invoice_id = n.invoice_id AND b.order_line_id = n.order_line_id
  CROSS JOIN widest w
  LEFT JOIN LATERAL (SELECT coalesce(sum(r.quantity), 0) AS quantity, coalesce(sum(r.received_value), 0) AS value, count(*) AS receipts FROM receipt_line r WHERE r.order_line_id = n.order_line_id) r ON true
  WHERE (o.order_line_id IS NULL
      OR NOT o.amount_based AND b.quantity > o.quantity + w.quantity + o.quantity * w.pct / 100
      OR NOT o.amount_based AND o.match_type = 3 AND b.quantity > r.quantity + w.quantity + r.quantity * w.pct / 100
         AND NOT (r.quantity <= 0 AND o.unit_price * b.quantity <= w.unreceived * o.price_base_quantity)
      OR o.amount_based AND o.match_type = 3 AND b.value > r.value + w.value + r.value * w.value_pct / 100
         AND NOT (r.receipts = 0 AND b.value <= w.unreceived)
      OR NOT o.approved OR o.closed)
    AND NOT EXISTS (SELECT FROM hold h JOIN invoice_line x ON x.invoice_line_id = h.invoice_line_id
      WHERE h.invoice_id = n.invoice_id AND x.order_line_id IS NOT DISTINCT FROM n.order_line_id AND h.release_kind = 'person'
        AND h.code IN ('QTY_ORD', 'QTY_REC', 'NO_RECEIPT', 'AMT_REC', 'LINE_UNMATCHED'))
), new_proposal AS (
  INSERT INTO payment_proposal AS p (invoice_id, amount, currency, pay_on, decision_id, run_id)
  SELECT i.invoice_id, oi.amount, oi.currency, coalesce(i.due_date, ops.business_date(i.entity)), CASE d.outcome WHEN 'approve' THEN d.decision_id ELSE a.decision_id END, run_in
  FROM free f JOIN invoice i ON i.invoice_id = f.invoice_id JOIN open_item oi ON oi.invoice_id = f.invoice_id AND oi.closed_by_entry IS NULL
  JOIN LATERAL (SELECT x.decision_id, x.maker, x.outcome FROM decision x WHERE x.process = 'invoice_reconciliation' AND x.subject_kind = 'invoice' AND x.subject_id = f.invoice_id
                ORDER BY x.decision_id DESC LIMIT 1) d ON true
  LEFT JOIN accepted_by_person a ON a.invoice_id = f.invoice_id
  WHERE (d.maker = 'machine' AND d.outcome = 'approve' OR a.invoice_id IS NOT NULL)
    AND NOT EXISTS (SELECT FROM uncovered u WHERE u.invoice_id = f.invoice_id)
    AND NOT EXISTS (SELECT FROM hold h WHERE h.invoice_id = f.invoice_id AND h.released_at IS NULL AND h.effect IN ('B', 'P'))
  ORDER BY i.invoice_date, i.number_key, i.content_hash
  ON CONFLICT (invoice_id) DO UPDATE SET state = 'proposed', decision_id = excluded.decision_id, run_id = excluded.run_id, pay_on = excluded.pay_on WHERE p.state = 'withdrawn'
  RETURNING p.invoice_id, p.amount, p.currency, p.pay_on, p.decision_id
), recorded AS (
  SELECT count(*) AS n, array_agg('invoice:' || encode(i.content_hash, 'hex') ORDER BY i.content_hash) AS subjects,
         array_agg(audit.object('effect', audit.text('payment proposed'), 'amount', audit.number(p.amount), 'currency', audit.text(p.currency), 'pay_on', audit.text(p.pay_on::text),
           'decision_id', audit.text(p.decision_id::text), 'run_id', audit.text(run_in::text), 'at', audit.text(ops.utc(now()))) ORDER BY i.content_hash) AS bodies
  FROM new_proposal p JOIN invoice i ON i.invoice_id = p.invoice_id
)
SELECT r.n INTO proposed FROM recorded r LEFT JOIN LATERAL (SELECT audit.append_many('effect', r.subjects, r.bodies) WHERE r.n > 0) AS done(ok) ON true;
