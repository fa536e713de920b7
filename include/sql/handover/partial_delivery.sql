-- Question: was only a part of the order received, so that the rest is still to come?
-- Grain: one row per line. Billed is exactly what was left of the order: the rest fits to the unit.
SELECT l.invoice_id, l.invoice_line_id, CASE WHEN l.received > 0 THEN 'partial_delivery' ELSE 'not_received' END AS hypothesis,
       CASE WHEN l.order_quantity = l.open_ordered THEN 0.9 ELSE 0.75 END AS fit, 2 AS explains,
       jsonb_build_object('ordered', trim_scale(l.ordered)::text, 'received', trim_scale(l.received)::text, 'billed', trim_scale(l.order_quantity)::text, 'billed_before', trim_scale(l.billed_by_others)::text,
         'missing', trim_scale(l.order_quantity - greatest(l.open_received, 0))::text, 'outstanding', trim_scale(l.ordered - l.received)::text, 'uom', l.order_uom,
         'evidence', jsonb_build_array(review.evidence_of_line(l.order_line_id)) || review.evidence_of_receipts(l.order_line_id)) AS facts
FROM line l
WHERE l.codes && ARRAY['QTY_REC', 'NO_RECEIPT', 'AMT_REC'] AND NOT l.is_credit AND l.received < l.ordered AND l.order_quantity > greatest(l.open_received, 0)
  AND NOT 'QTY_ORD' = ANY (l.codes)
