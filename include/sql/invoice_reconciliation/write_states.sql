-- Every accepted line is in exactly one state; rows are written only where something changed.
INSERT INTO line_state AS s (invoice_line_id, invoice_id, order_line_id, state, matched_quantity, billed_before, received, price_variance, run_id)
SELECT v.invoice_line_id, v.invoice_id, v.order_line_id,
       CASE WHEN EXISTS (SELECT FROM work_waiting_line x WHERE x.invoice_line_id = v.invoice_line_id) THEN 'waiting_source' ELSE
         CASE coalesce(held.worst, 0) WHEN 2 THEN 'held' WHEN 1 THEN 'waiting_receipt' ELSE 'matched' END END,
       CASE WHEN l.counts AND NOT k.amount_based THEN greatest(least(v.quantity_after, k.quantity_scale * CASE k.match_type WHEN 3 THEN k.received ELSE k.quantity END)
         - (v.quantity_after - l.scaled_quantity), 0) / k.quantity_scale END,
       CASE WHEN l.counts AND NOT k.amount_based THEN (v.quantity_after - l.scaled_quantity) / k.quantity_scale END,
       CASE WHEN k.amount_based THEN k.received_value ELSE k.received END,
       CASE WHEN l.counts AND NOT k.amount_based THEN l.net_amount - round(l.scaled_quantity * k.unit_price / (k.quantity_scale * k.price_base_quantity), 6) END,
       run_in
FROM work_verdict v
JOIN work_line l ON l.invoice_line_id = v.invoice_line_id
LEFT JOIN work_order_line k ON k.order_line_id = v.order_line_id
LEFT JOIN (
  SELECT x.invoice_line_id, max(x.weight) AS worst FROM (
    SELECT h.invoice_line_id, CASE WHEN h.code = 'NO_RECEIPT' THEN 1 ELSE 2 END AS weight
    FROM hold h JOIN work_invoice w ON w.invoice_id = h.invoice_id AND w.in_scope
    WHERE h.released_at IS NULL AND h.effect <> 'W' AND h.invoice_line_id IS NOT NULL
    UNION ALL
    SELECT d.invoice_line_id, 2 FROM hold h JOIN work_line d ON d.invoice_id = h.invoice_id AND d.in_scope
    WHERE h.released_at IS NULL AND h.effect <> 'W' AND h.invoice_line_id IS NULL
  ) x GROUP BY x.invoice_line_id
) held ON held.invoice_line_id = v.invoice_line_id
WHERE v.in_scope
ON CONFLICT (invoice_line_id) DO UPDATE SET order_line_id = excluded.order_line_id, state = excluded.state, matched_quantity = excluded.matched_quantity,
  billed_before = excluded.billed_before, received = excluded.received, price_variance = excluded.price_variance, run_id = excluded.run_id
WHERE (s.order_line_id, s.state, s.matched_quantity, s.billed_before, s.received, s.price_variance)
  IS DISTINCT FROM (excluded.order_line_id, excluded.state, excluded.matched_quantity, excluded.billed_before, excluded.received, excluded.price_variance);

INSERT INTO invoice_status AS s (invoice_id, state, evaluated_run)
SELECT w.invoice_id,
       CASE WHEN w.blocked THEN 'waiting_source'
            ELSE CASE coalesce(max(CASE ls.state WHEN 'held' THEN 2 WHEN 'waiting_receipt' THEN 1 ELSE 0 END), 0) WHEN 2 THEN 'held' WHEN 1 THEN 'waiting_receipt' ELSE 'matched' END END,
       run_in
FROM work_invoice w LEFT JOIN line_state ls ON ls.invoice_id = w.invoice_id
WHERE w.in_scope GROUP BY w.invoice_id, w.blocked
ON CONFLICT (invoice_id) DO UPDATE SET state = excluded.state, evaluated_run = excluded.evaluated_run, evaluated_at = now()
WHERE s.state IS DISTINCT FROM excluded.state AND s.state <> 'rejected';
