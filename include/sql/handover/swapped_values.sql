-- Question: were quantity and price exchanged?
-- Grain: one row per line. The amount is then as agreed.
SELECT l.invoice_id, l.invoice_line_id, 'swapped_values' AS hypothesis, 1.0 AS fit, 5 AS explains,
       jsonb_build_object('quantity', trim_scale(l.quantity)::text, 'price', trim_scale(l.unit_price)::text, 'order_price', trim_scale(l.order_price)::text, 'compared', trim_scale(l.unit_price)::text,
         'compared_with', CASE l.unit_price WHEN l.ordered THEN 'ordered' WHEN l.open_received THEN 'received' ELSE 'left of the order' END, 'compared_uom', l.order_uom, 'billed_uom', l.uom, 'currency', l.currency,
         'net_amount', trim_scale(l.net_amount)::text, 'reference_amount', trim_scale(round(a.agreed, 2))::text, 'total', CASE WHEN abs(l.net_amount - a.agreed) <= 0.02 THEN 'same' ELSE 'other' END,
         'evidence', jsonb_build_array(review.evidence_of_line(l.order_line_id))) AS facts
FROM line l CROSS JOIN LATERAL (SELECT l.unit_price * l.order_price / l.order_base AS agreed) a
WHERE l.codes && ARRAY['PRICE', 'QTY_ORD', 'QTY_REC', 'NO_RECEIPT'] AND l.quantity = l.order_price AND l.unit_price IN (l.ordered, l.open_received, l.open_ordered) AND l.quantity <> l.unit_price
