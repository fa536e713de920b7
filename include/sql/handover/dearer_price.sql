-- Question: does the price alone differ, and did the supplier bill it before?
-- Grain: one row per line. An earlier line of the same supplier and item at the billed price says that the price was raised.
SELECT l.invoice_id, l.invoice_line_id, 'dearer_price' AS hypothesis, CASE WHEN e.invoice_id IS NOT NULL THEN 0.9 WHEN l.order_quantity IN (l.open_received, l.open_ordered, l.ordered) THEN 0.8 ELSE 0.7 END AS fit,
       CASE WHEN e.invoice_id IS NOT NULL THEN 3 ELSE 1 END AS explains,
       jsonb_build_object('billed', trim_scale(l.unit_price)::text, 'order_price', trim_scale(l.order_price)::text, 'currency', l.currency, 'difference', trim_scale(round(l.net_amount - l.reference_amount, 2))::text,
         'percent', trim_scale(round(100 * (l.net_amount - l.reference_amount) / l.reference_amount, 2))::text, 'earlier_invoice', e.invoice_number, 'earlier_date', e.invoice_date::text,
         'evidence', jsonb_build_array(review.evidence_of_line(l.order_line_id)) || CASE WHEN e.invoice_id IS NULL THEN '[]'::jsonb ELSE jsonb_build_array(
           jsonb_build_object('what', 'earlier invoice', 'reference', e.invoice_number || ' line ' || e.line_id, 'id', e.invoice_id::text, 'price', trim_scale(e.unit_price)::text, 'currency', l.currency, 'at', e.invoice_date::text)) END) AS facts
FROM line l
LEFT JOIN LATERAL (
  SELECT p.invoice_id, i.invoice_number, i.invoice_date, p.line_id, p.unit_price FROM purchasing.order_line o
  JOIN purchasing.invoice_line p ON p.order_line_id = o.order_line_id JOIN purchasing.invoice i ON i.invoice_id = p.invoice_id
  JOIN ledger.invoice_status st ON st.invoice_id = i.invoice_id AND st.state = 'matched'
  WHERE o.supplier_id = l.order_supplier AND o.item = l.item AND i.invoice_id <> l.invoice_id AND i.invoice_date <= l.invoice_date
    AND p.unit_price * l.price_base_quantity = l.unit_price * p.price_base_quantity ORDER BY i.invoice_date DESC, i.invoice_id DESC LIMIT 1) e ON true
WHERE 'PRICE' = ANY (l.codes) AND NOT l.is_credit AND l.reference_amount > 0
