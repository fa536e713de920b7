-- 1. A payment block rises when a hold stands on a booked invoice again or it waits for a source; a proposal already made is
-- withdrawn.
blocked := raise_blocks(run_in, 'held or waiting for a source', ARRAY(
  SELECT h.invoice_id FROM hold h WHERE h.released_at IS NULL AND h.effect IN ('B', 'P')
  UNION
  SELECT st.invoice_id FROM invoice_status st WHERE st.state NOT IN ('matched', 'rejected')));

-- 2. What may be free: what was booked just now without a block, and what is blocked although nothing holds it any more and its
-- latest decision, on the facts of now, approves it, or a person's booked answer stands for it.
TRUNCATE work_payment;
INSERT INTO work_payment (invoice_id, decision_id, blocked)
SELECT b.invoice_id, b.decision_id, false FROM work_booking b JOIN invoice_status st ON st.invoice_id = b.invoice_id
WHERE st.booking_no IS NOT NULL AND NOT st.payment_block AND st.state = 'matched'
UNION ALL
SELECT st.invoice_id, CASE d.outcome WHEN 'approve' THEN d.decision_id ELSE (SELECT a.decision_id FROM accepted_by_person a WHERE a.invoice_id = st.invoice_id) END, true
FROM invoice_status st JOIN invoice i ON i.invoice_id = st.invoice_id
JOIN evidence_of(ARRAY(SELECT x.invoice_id FROM invoice_status x WHERE x.payment_block AND x.state = 'matched')) e ON e.invoice_id = st.invoice_id
JOIN LATERAL last_decision('invoice_reconciliation', st.invoice_id) d ON true
WHERE st.payment_block AND st.state = 'matched'
  AND NOT EXISTS (SELECT FROM match_queue q WHERE q.invoice_id = st.invoice_id)
  AND NOT EXISTS (SELECT FROM hold h WHERE h.invoice_id = st.invoice_id AND h.released_at IS NULL AND h.effect IN ('B', 'P'))
  AND (EXISTS (SELECT FROM accepted_by_person a WHERE a.invoice_id = st.invoice_id)
    OR d.maker = 'machine' AND d.outcome = 'approve' AND d.evidence_hash = e.evidence_hash
       AND EXISTS (SELECT FROM active_policy p WHERE p.policy_id = d.policy_id AND p.version = d.policy_version AND p.sha256 = d.policy_sha256
                     AND p.currency = i.currency AND abs(i.gross_total) <= p.machine_limit));
ANALYZE work_payment;

-- 3. What rests on a source that did not deliver is not free (a return, a change of the order may be under way), nor is what
-- orders and receipts do not cover.
stale := undelivered('invoice_reconciliation');
IF stale <> '{}' THEN
  blocked := blocked + raise_blocks(run_in, 'a source did not deliver', ARRAY(SELECT w.invoice_id FROM work_payment w WHERE NOT w.blocked AND rests_on(w.invoice_id, stale)));
  DELETE FROM work_payment w WHERE rests_on(w.invoice_id, stale);
END IF;
{{ include: invoice_reconciliation/cover_payments }}
blocked := blocked + raise_blocks(run_in, 'not covered by orders and receipts', ARRAY(SELECT w.invoice_id FROM work_payment w WHERE NOT w.covered AND NOT w.blocked));

-- 4. The rest is freed and proposed for payment.
WITH fallen AS (
  UPDATE invoice_status st SET payment_block = false FROM work_payment w, invoice i
  WHERE w.invoice_id = st.invoice_id AND i.invoice_id = st.invoice_id AND w.covered AND w.blocked
  RETURNING i.content_hash, w.decision_id
), recorded AS (
  SELECT count(*) AS n, array_agg('invoice:' || encode(f.content_hash, 'hex') ORDER BY f.content_hash) AS subjects,
         array_agg(audit.object('effect', audit.text('payment block released'), 'decision_id', audit.text(f.decision_id::text),
           'run_id', audit.text(run_in::text), 'at', audit.text(ops.utc(now()))) ORDER BY f.content_hash) AS bodies
  FROM fallen f
)
SELECT r.n INTO unblocked FROM recorded r LEFT JOIN LATERAL (SELECT audit.append_many('effect', r.subjects, r.bodies) WHERE r.n > 0) AS done(ok) ON true;

WITH new_proposal AS (
  INSERT INTO payment_proposal AS p (invoice_id, amount, currency, pay_on, decision_id, run_id)
  SELECT i.invoice_id, oi.amount, oi.currency, coalesce(i.due_date, ops.business_date(i.entity)), w.decision_id, run_in
  FROM work_payment w JOIN invoice i ON i.invoice_id = w.invoice_id JOIN open_item oi ON oi.invoice_id = w.invoice_id AND oi.closed_by_entry IS NULL
  WHERE w.covered
  ORDER BY i.invoice_date, i.number_key, i.content_hash
  ON CONFLICT (invoice_id) DO UPDATE SET state = 'proposed', decision_id = excluded.decision_id, run_id = excluded.run_id, pay_on = excluded.pay_on WHERE p.state = 'withdrawn'
  RETURNING p.invoice_id, p.amount, p.currency, p.pay_on, p.decision_id, p.xmax = 0 AS is_new
), recorded AS (
  SELECT count(*) AS n, array_agg('invoice:' || encode(i.content_hash, 'hex') ORDER BY i.content_hash) AS subjects,
         array_agg(audit.object('effect', audit.text(CASE WHEN p.is_new THEN 'payment proposed' ELSE 'payment proposed again' END), 'amount', audit.number(p.amount),
           'currency', audit.text(p.currency), 'pay_on', audit.text(p.pay_on::text),
           'decision_id', audit.text(p.decision_id::text), 'run_id', audit.text(run_in::text), 'at', audit.text(ops.utc(now()))) ORDER BY i.content_hash) AS bodies
  FROM new_proposal p JOIN invoice i ON i.invoice_id = p.invoice_id
)
SELECT r.n INTO proposed FROM recorded r LEFT JOIN LATERAL (SELECT audit.append_many('effect', r.subjects, r.bodies) WHERE r.n > 0) AS done(ok) ON true;
