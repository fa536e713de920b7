-- Question: is more billed than ordered in all, was more delivered than ordered, or may the order not be billed any more?
-- Grain: one row per line and finding.
SELECT l.invoice_id, l.invoice_line_id, CASE WHEN l.received > l.ordered AND l.order_quantity <= l.open_received THEN 'over_delivery' ELSE 'over_billed' END AS hypothesis,
       CASE WHEN l.received > l.ordered AND l.order_quantity = l.open_received THEN 0.95 ELSE 0.8 END AS fit, 2 AS explains,
       jsonb_build_object('ordered', trim_scale(l.ordered)::text, 'received', trim_scale(l.received)::text, 'billed', trim_scale(l.order_quantity)::text, 'billed_before', trim_scale(l.billed_by_others)::text,
         'excess', trim_scale(l.billed_by_others + l.order_quantity - l.ordered)::text, 'uom', l.order_uom,
         'evidence', jsonb_build_array(review.evidence_of_line(l.order_line_id)) || review.evidence_of_billing(l.order_line_id, l.invoice_id) || review.evidence_of_receipts(l.order_line_id)) AS facts
FROM line l WHERE 'QTY_ORD' = ANY (l.codes) AND NOT l.is_credit AND l.billed_by_others + l.order_quantity > l.ordered
UNION ALL
SELECT l.invoice_id, l.invoice_line_id, CASE WHEN 'PO_CLOSED' = ANY (l.codes) THEN 'order_closed' ELSE 'order_not_approved' END, 1.0, 2,
       jsonb_build_object('order', l.order_number, 'order_line', l.order_line, 'version', l.version::text, 'ordered', trim_scale(l.ordered)::text, 'received', trim_scale(l.received)::text,
         'billed_before', trim_scale(l.billed_by_others)::text, 'uom', l.order_uom, 'evidence', jsonb_build_array(review.evidence_of_line(l.order_line_id)) || review.evidence_of_billing(l.order_line_id, l.invoice_id))
FROM line l WHERE l.codes && ARRAY['PO_CLOSED', 'PO_NOT_APPROVED'] AND l.order_line_id IS NOT NULL
