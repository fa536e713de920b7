-- Question: were the missing goods booked on another line or order of the same supplier and item, and are they still free there?
-- Grain: one row per line, with the receipt that fits best.
SELECT DISTINCT ON (l.invoice_line_id) l.invoice_id, l.invoice_line_id, 'receipt_elsewhere' AS hypothesis,
       CASE WHEN r.quantity = m.missing THEN 1.0 WHEN r.quantity = l.order_quantity THEN 0.9 ELSE 0.5 END AS fit, CASE WHEN r.quantity = m.missing THEN 4 ELSE 2 END AS explains,
       jsonb_build_object('missing', trim_scale(m.missing)::text, 'uom', l.order_uom, 'quantity', trim_scale(r.quantity)::text, 'free', trim_scale(a.free)::text, 'receipt', r.receipt_number || '/' || r.receipt_line,
         'other_order', o.po_number, 'other_line', o.po_line, 'other_ordered', trim_scale(o.quantity)::text, 'other_received', trim_scale(o.received_quantity)::text,
         'other_billed', trim_scale(coalesce((SELECT k.billed_quantity FROM ledger.gr_ir k WHERE k.order_line_id = o.order_line_id), 0))::text, 'received_at', ops.utc(r.received_at),
         'evidence', jsonb_build_array(jsonb_build_object('what', 'receipt', 'reference', r.receipt_number || '/' || r.receipt_line, 'id', r.receipt_line_id::text,
           'quantity', trim_scale(r.quantity)::text, 'uom', o.uom, 'at', ops.utc(r.received_at)), review.evidence_of_line(o.order_line_id)) || review.evidence_of_billing(o.order_line_id, l.invoice_id) || jsonb_build_array(review.evidence_of_line(l.order_line_id))) AS facts
FROM line l
CROSS JOIN LATERAL (SELECT l.order_quantity - greatest(l.open_received, 0) AS missing) m
JOIN purchasing.order_line o ON o.supplier_id = l.order_supplier AND o.item = l.item AND o.entity = l.entity AND o.order_line_id <> l.order_line_id
JOIN purchasing.receipt_line r ON r.order_line_id = o.order_line_id
CROSS JOIN LATERAL (SELECT r.quantity - coalesce((SELECT sum(x.quantity) FROM ledger.receipt_allocation x WHERE x.order_line_id = o.order_line_id AND x.receipt_line_id = r.receipt_line_id), 0) AS free) a
WHERE l.codes && ARRAY['QTY_REC', 'NO_RECEIPT', 'AMT_REC'] AND NOT l.is_credit AND m.missing > 0 AND r.quantity > 0 AND a.free >= m.missing
  -- what was taken back is not there either
  AND NOT EXISTS (SELECT FROM purchasing.receipt_line b WHERE b.order_line_id = o.order_line_id AND b.reverses_number = r.receipt_number AND b.reverses_line = r.receipt_line)
ORDER BY l.invoice_line_id, fit DESC, abs(r.received_at::date - l.invoice_date), r.receipt_line_id
