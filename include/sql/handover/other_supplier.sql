-- Question: who bills an order that was placed with somebody else?
-- Grain: one row per line. The same group, bank account or VAT number says that the two belong together.
SELECT l.invoice_id, l.invoice_line_id, 'other_supplier' AS hypothesis, CASE WHEN s.supplier_id IS NULL THEN 0.8 WHEN s.supplier_group = b.supplier_group OR s.iban = b.iban THEN 1.0 ELSE 0.8 END AS fit, 2 AS explains,
       jsonb_build_object('invoice_supplier', coalesce(s.name, i.seller_name, 'not named'), 'invoice_supplier_id', s.supplier_id, 'order_supplier', b.name, 'order_supplier_id', b.supplier_id,
         'relation', CASE WHEN s.supplier_id IS NULL THEN 'the sender is not in the supplier master' WHEN s.supplier_group = b.supplier_group THEN 'both belong to one supplier group'
                          WHEN s.iban = b.iban THEN 'both have the same bank account' ELSE 'the two have nothing in common' END, 'vat_id', i.seller_vat_id, 'order', l.order_number,
         'evidence', jsonb_build_array(review.evidence_of_line(l.order_line_id), jsonb_build_object('what', 'supplier of the order', 'reference', b.supplier_id, 'id', b.supplier_id, 'value', b.name, 'at', ops.utc(b.source_updated_at)))) AS facts
FROM line l JOIN purchasing.invoice i ON i.invoice_id = l.invoice_id JOIN purchasing.supplier b ON b.supplier_id = l.order_supplier LEFT JOIN purchasing.supplier s ON s.supplier_id = l.supplier_id
WHERE 'SUPPLIER_MISMATCH' = ANY (l.codes)
