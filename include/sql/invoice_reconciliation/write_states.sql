-- Every accepted line is in exactly one state; rows are written only where something changed.
INSERT INTO line_state AS s (invoice_line_id, invoice_id, order_line_id, state, matched_quantity, billed_before, received, price_variance, run_id)
WITH standing AS (
  SELECT h.invoice_id, h.invoice_line_id, max(CASE WHEN h.code = 'NO_RECEIPT' THEN 1 ELSE 2 END) AS weight
  FROM hold h JOIN work_invoice w ON w.invoice_id = h.invoice_id AND w.in_scope
  WHERE h.released_at IS NULL AND h.effect <> 'W' GROUP BY h.invoice_id, h.invoice_line_id
), awaiting AS (SELECT DISTINCT x.invoice_line_id FROM work_waiting_line x)
SELECT v.invoice_line_id, v.invoice_id, v.order_line_id,
       CASE WHEN a.invoice_line_id IS NOT NULL THEN 'waiting_source'
            WHEN d.weight = 2 OR h.weight = 2 THEN 'held' WHEN h.weight = 1 THEN 'waiting_receipt' ELSE 'matched' END,
       CASE WHEN l.counts AND NOT k.amount_based THEN greatest(least(v.quantity_after, k.quantity_scale * CASE k.match_type WHEN 3 THEN k.received ELSE k.quantity END)
         - (v.quantity_after - l.scaled_quantity), 0) / k.quantity_scale END,
       CASE WHEN l.counts AND NOT k.amount_based THEN (v.quantity_after - l.scaled_quantity) / k.quantity_scale END,
       CASE WHEN k.amount_based THEN k.received_value ELSE k.received END,
       CASE WHEN v.price THEN l.net_amount - round(l.scaled_quantity * k.unit_price / (k.quantity_scale * k.price_base_quantity), 6) END,
       run_in
FROM work_verdict v
JOIN work_line l ON l.invoice_line_id = v.invoice_line_id
LEFT JOIN work_order_line k ON k.order_line_id = v.order_line_id
LEFT JOIN standing h ON h.invoice_line_id = v.invoice_line_id
LEFT JOIN standing d ON d.invoice_id = v.invoice_id AND d.invoice_line_id IS NULL
LEFT JOIN awaiting a ON a.invoice_line_id = v.invoice_line_id
ON CONFLICT (invoice_line_id) DO UPDATE SET order_line_id = excluded.order_line_id, state = excluded.state, matched_quantity = excluded.matched_quantity,
  billed_before = excluded.billed_before, received = excluded.received, price_variance = excluded.price_variance, run_id = excluded.run_id
WHERE (s.order_line_id, s.state, s.matched_quantity, s.billed_before, s.received, s.price_variance)
  IS DISTINCT FROM (excluded.order_line_id, excluded.state, excluded.matched_quantity, excluded.billed_before, excluded.received, excluded.price_variance);

INSERT INTO invoice_status AS s (invoice_id, state, evaluated_run)
WITH worst AS (
  SELECT h.invoice_id, max(CASE WHEN h.code = 'NO_RECEIPT' THEN 1 ELSE 2 END) AS weight
  FROM hold h JOIN work_invoice w ON w.invoice_id = h.invoice_id AND w.in_scope
  WHERE h.released_at IS NULL AND h.effect <> 'W' GROUP BY h.invoice_id
)
SELECT w.invoice_id, CASE WHEN w.blocked THEN 'waiting_source' WHEN h.weight = 2 THEN 'held' WHEN h.weight = 1 THEN 'waiting_receipt' ELSE 'matched' END, run_in
FROM work_invoice w LEFT JOIN worst h ON h.invoice_id = w.invoice_id
WHERE w.in_scope
ON CONFLICT (invoice_id) DO UPDATE SET state = excluded.state, evaluated_run = excluded.evaluated_run, evaluated_at = now()
WHERE s.state IS DISTINCT FROM excluded.state AND s.state <> 'rejected';
