-- Lines that were booked to unmatched purchases and whose order line or unit factor is known by now: their net amount moves to
-- GR/IR and price variance, computed like a first booking of today. Not while the document waits to be compared or a hold that
-- would block its posting stands on it.
WITH posting AS MATERIALIZED (SELECT * FROM posting_day), billed AS (
  SELECT l.invoice_line_id, l.invoice_id, l.position, st.booking_no, CASE i.kind WHEN 'credit_note' THEN -1 ELSE 1 END AS sign, l.net_amount, l.quantity, l.uom, l.order_line_id
  FROM booked_line b JOIN invoice_line l ON l.invoice_line_id = b.invoice_line_id JOIN invoice i ON i.invoice_id = b.invoice_id JOIN invoice_status st ON st.invoice_id = b.invoice_id
  JOIN order_line o ON o.order_line_id = l.order_line_id AND o.currency = i.currency
  WHERE b.order_line_id IS NULL AND EXISTS (SELECT FROM posting p WHERE p.entity = i.entity)
    AND NOT EXISTS (SELECT FROM match_queue q WHERE q.invoice_id = b.invoice_id)
    AND NOT EXISTS (SELECT FROM hold h WHERE h.invoice_id = b.invoice_id AND h.released_at IS NULL AND h.effect = 'B')
), {{ include: invoice_reconciliation/clear_gr_ir }}, moved AS (
  SELECT c.*, i.entity, i.invoice_date, p.day, p.period, 'reclassification/' || i.entity || '/' || encode(i.content_hash, 'hex') || '/' || c.position AS business_key
  FROM cleared c JOIN invoice i ON i.invoice_id = c.invoice_id JOIN posting p ON p.entity = i.entity WHERE c.gr_ir IS NOT NULL
), entered AS (
  INSERT INTO journal_entry (entity, business_key, event, posting_date, document_date, period, invoice_id, run_id)
  SELECT m.entity, m.business_key, 'reclassification', m.day, m.invoice_date, m.period, m.invoice_id, run_in FROM moved m WHERE m.net <> 0 OR m.gr_ir <> 0
  ORDER BY m.business_key
), lined AS (
  INSERT INTO work_entry_line (business_key, line_no, role, amount, order_line_id, purpose)
  SELECT m.business_key, s.line_no, s.role, s.amount, s.order_line_id, s.purpose
  FROM moved m CROSS JOIN LATERAL (VALUES (1, 'gr_ir', m.gr_ir, m.order_line_id, 'goods or services billed'),
    (2, 'price_variance', m.net - m.gr_ir, m.order_line_id, 'price variance'), (3, 'unmatched_purchases', -m.net, NULL, 'order line found')) AS s(line_no, role, amount, order_line_id, purpose)
), kept AS (
  UPDATE booked_line b SET order_line_id = m.order_line_id, quantity = m.quantity FROM moved m WHERE b.invoice_id = m.invoice_id AND b.invoice_line_id = m.invoice_line_id
)
UPDATE gr_ir g SET billed_quantity = g.billed_quantity + s.quantity, billed_value = g.billed_value + s.amount
FROM (SELECT m.order_line_id, sum(m.quantity) AS quantity, sum(m.gr_ir) AS amount FROM moved m GROUP BY m.order_line_id) s
WHERE g.order_line_id = s.order_line_id;
