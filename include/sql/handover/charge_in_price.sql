-- Question: is what is too much a charge, such as freight, that stands in the line instead of beside it?
-- Grain: one row per line and charge that is exactly the difference: a charge of the line, an unbilled order line for freight, or a charge of an earlier invoice of the supplier.
SELECT l.invoice_id, l.invoice_line_id, 'charge_in_price' AS hypothesis, 1.0 AS fit, s.explains,
       jsonb_build_object('difference', trim_scale(d.difference)::text, 'currency', l.currency, 'where', s.what, 'reference', s.reference, 'billed_there', s.billed_there, 'evidence', jsonb_build_array(
         jsonb_build_object('what', s.what, 'reference', s.reference, 'id', s.id, 'amount', trim_scale(d.difference)::text, 'currency', l.currency, 'state', s.state, 'at', s.at)) || s.story || jsonb_build_array(review.evidence_of_line(l.order_line_id))) AS facts
FROM line l
CROSS JOIN LATERAL (SELECT round(l.net_amount - l.reference_amount, 2) AS difference) d
CROSS JOIN LATERAL (
  SELECT 'charge of the line' AS what, 'line ' || l.line_id AS reference, l.invoice_line_id::text AS id, NULL::text AS at, 4 AS explains, NULL::text AS state, NULL::text AS billed_there, '[]'::jsonb AS story WHERE round(l.charge_total, 2) = d.difference
  UNION ALL
  (SELECT 'order line for freight', o.po_number || ' line ' || o.po_line, o.order_line_id::text, o.order_date::text, 4, 'not billed', 'nobody has billed it', review.evidence_of_receipts(o.order_line_id) || review.evidence_of_billing(o.order_line_id, l.invoice_id)
   FROM purchasing.order_line o LEFT JOIN ledger.gr_ir k ON k.order_line_id = o.order_line_id
   WHERE o.po_number = l.order_number AND o.entity = l.entity AND o.order_line_id <> l.order_line_id AND coalesce(k.billed_value, 0) = 0
     AND concat_ws(' ', o.item, o.category, o.description) ~* '(freight|fracht|shipping|versand|delivery|transport|porto|carriage|fret|surcharge|zuschlag)'
     AND round(coalesce(o.ordered_value, o.quantity * o.unit_price / o.price_base_quantity), 2) = d.difference ORDER BY o.order_line_id LIMIT 1)
  UNION ALL
  (SELECT 'charge of an earlier invoice', e.invoice_number, e.invoice_id::text, e.invoice_date::text, 3, review.state_of_invoice(e.invoice_id), NULL, '[]'::jsonb
   FROM purchasing.invoice e WHERE e.supplier_id = l.supplier_id AND e.invoice_id <> l.invoice_id AND e.charge_total = d.difference ORDER BY e.invoice_date DESC, e.invoice_id DESC LIMIT 1)) s
WHERE 'PRICE' = ANY (l.codes) AND NOT l.is_credit AND d.difference > 0
