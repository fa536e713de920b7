-- Question: were the goods that are billed taken back, by a return or a cancelled receipt?
-- Grain: one row per line. A cancelled or returned receipt of exactly the missing quantity explains it in full.
SELECT DISTINCT ON (l.invoice_line_id) l.invoice_id, l.invoice_line_id, 'receipt_cancelled' AS hypothesis,
       CASE WHEN -r.quantity = m.missing OR l.received = 0 THEN 1.0 ELSE 0.8 END AS fit, 4 AS explains,
       jsonb_build_object('missing', trim_scale(m.missing)::text, 'uom', l.order_uom, 'quantity', trim_scale(-r.quantity)::text, 'receipt', r.receipt_number || '/' || r.receipt_line,
         'reverses', r.reverses_number || '/' || r.reverses_line, 'received_at', ops.utc(r.received_at), 'evidence', jsonb_build_array(
           jsonb_build_object('what', CASE WHEN r.reverses_number IS NULL THEN 'return' ELSE 'cancelled receipt' END, 'reference', r.receipt_number || '/' || r.receipt_line, 'id', r.receipt_line_id::text,
             'quantity', trim_scale(r.quantity)::text, 'uom', l.order_uom, 'at', ops.utc(r.received_at)), review.evidence_of_line(l.order_line_id))) AS facts
FROM line l CROSS JOIN LATERAL (SELECT l.order_quantity - greatest(l.open_received, 0) AS missing) m
JOIN purchasing.receipt_line r ON r.order_line_id = l.order_line_id AND r.quantity < 0
WHERE l.codes && ARRAY['QTY_REC', 'NO_RECEIPT', 'AMT_REC'] AND NOT l.is_credit AND m.missing > 0
ORDER BY l.invoice_line_id, fit DESC, r.received_at DESC, r.receipt_line_id
