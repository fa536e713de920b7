-- Question: which order line of the supplier would this line fit, when it names none that is there?
-- Grain: one row per line, with the order line that fits best: price and quantity, price alone with the same item.
SELECT DISTINCT ON (l.invoice_line_id) l.invoice_id, l.invoice_line_id, 'other_order' AS hypothesis,
       CASE WHEN l.quantity IN (o.quantity, o.received_quantity, o.received_quantity - coalesce(k.billed_quantity, 0)) THEN 1.0 ELSE 0.6 END AS fit,
       2 + (o.po_number = l.po_number)::int + (o.item = l.buyer_item)::int AS explains,
       jsonb_build_object('named_order', l.po_number, 'named_line', l.po_line_key, 'order', o.po_number, 'order_line', o.po_line, 'quantity', trim_scale(l.quantity)::text, 'ordered', trim_scale(o.quantity)::text,
         'uom', o.uom, 'price', trim_scale(o.unit_price)::text, 'currency', o.currency, 'description', o.description, 'evidence', jsonb_build_array(review.evidence_of_line(o.order_line_id))) AS facts
FROM line l
JOIN purchasing.order_line o ON o.supplier_id = l.supplier_id AND o.unit_price = l.unit_price AND o.entity = l.entity AND o.price_base_quantity = l.price_base_quantity
LEFT JOIN ledger.gr_ir k ON k.order_line_id = o.order_line_id
WHERE l.codes && ARRAY['PO_MISSING', 'PO_NOT_FOUND', 'LINE_UNMATCHED'] AND l.order_line_id IS NULL AND NOT o.closed AND o.currency = l.currency
  AND o.quantity >= coalesce(k.billed_quantity, 0) + l.quantity
ORDER BY l.invoice_line_id, fit DESC, explains DESC, o.order_date DESC, o.order_line_id
