-- Question: what does each line of these invoices say, beside its order line, what was received and what others billed on it?
-- Grain: one row per invoice line. Quantities are in order units where an exact factor is known (order_quantity); open_received and
-- open_ordered are what others left of what was received and ordered.
SELECT l.invoice_line_id, l.invoice_id, l.line_id, l.position, i.entity, i.kind = 'credit_note' AS is_credit, i.supplier_id, i.invoice_number, i.invoice_date, i.currency,
       ARRAY(SELECT h.code FROM ledger.hold h WHERE h.invoice_id = i.invoice_id AND h.invoice_line_id = l.invoice_line_id AND h.released_at IS NULL AND h.effect <> 'W') AS codes,
       l.quantity, l.uom, l.unit_price, l.price_base_quantity, l.net_amount, l.charge_total, l.allowance_total, l.tax_rate, l.po_number, l.po_line_key, l.buyer_item, l.description,
       o.order_line_id, o.po_number AS order_number, o.po_line AS order_line, o.version, o.item, o.quantity AS ordered, o.uom AS order_uom, o.unit_price AS order_price,
       o.price_base_quantity AS order_base, o.currency AS order_currency, o.supplier_id AS order_supplier, o.tax_rate AS order_tax_rate, o.closed, o.approved, o.match_type,
       o.order_date, o.received_quantity AS received, o.receipts, c.order_quantity, b.others AS billed_by_others,
       o.received_quantity - b.others AS open_received, o.quantity - b.others AS open_ordered,
       coalesce(c.order_quantity, l.quantity) * o.unit_price / o.price_base_quantity AS reference_amount
FROM purchasing.invoice i JOIN purchasing.invoice_line l ON l.invoice_id = i.invoice_id
LEFT JOIN purchasing.order_line o ON o.order_line_id = l.order_line_id
LEFT JOIN purchasing.uom_factor f ON f.from_uom = l.uom AND f.to_uom = o.uom AND f.item = o.item
LEFT JOIN purchasing.uom_factor g ON g.from_uom = l.uom AND g.to_uom = o.uom AND g.item = '*'
CROSS JOIN LATERAL (SELECT round(CASE WHEN l.uom = o.uom THEN l.quantity
                                      ELSE l.quantity * coalesce(f.numerator, g.numerator) / coalesce(f.denominator, g.denominator) END, 4) AS order_quantity) c
LEFT JOIN ledger.gr_ir k ON k.order_line_id = o.order_line_id
LEFT JOIN LATERAL (SELECT coalesce(sum(x.quantity), 0) AS own FROM ledger.booked_line x WHERE x.invoice_id = l.invoice_id AND x.order_line_id = o.order_line_id) own ON true
CROSS JOIN LATERAL (SELECT coalesce(k.billed_quantity, 0) - own.own AS others) b
WHERE i.invoice_id = ANY (invoices)
