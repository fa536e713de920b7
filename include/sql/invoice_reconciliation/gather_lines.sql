-- Question: how does each invoice line of the working set stand to its order line, and does it count in running totals?
-- Grain: one row per invoice line. bookable = no code that blocks posting stands on the document before quantities are compared.
INSERT INTO work_line (invoice_line_id, invoice_id, in_scope, order_line_id, tolerance_id, order_gate, supplier_mismatch, currency_diff,
  po_not_approved, po_closed, uom_unmapped, counts, booking_no, invoice_date, number_key, invoice_number, content_hash, is_credit, bookable,
  scaled_quantity, net_amount, quantity, unit_price, price_base_quantity, allowance_total, charge_total)
WITH gated AS (
  SELECT l.invoice_line_id, l.invoice_id, w.in_scope, w.entity, l.order_line_id, k.tolerance_id,
         w.booking_no, w.invoice_date, w.number_key, w.invoice_number, w.content_hash, w.is_credit,
         CASE WHEN o.order_line_id IS NOT NULL THEN NULL
              WHEN l.po_number IS NULL THEN 'PO_MISSING'
              WHEN EXISTS (SELECT FROM order_line x WHERE x.entity = w.entity AND x.po_number = l.po_number) THEN 'LINE_UNMATCHED'
              ELSE 'PO_NOT_FOUND' END AS order_gate,
         coalesce(o.supplier_id IS DISTINCT FROM i.supplier_id AND o.order_line_id IS NOT NULL, false) AS supplier_mismatch,
         coalesce(o.currency <> i.currency, false) AS currency_diff,
         coalesce(NOT o.approved, false) AS po_not_approved, coalesce(o.closed, false) AS po_closed,
         coalesce(NOT o.amount_based AND (l.uom IS NULL OR (l.uom <> o.uom AND f.numerator IS NULL AND g.numerator IS NULL)), false) AS uom_unmapped,
         CASE WHEN o.amount_based OR o.order_line_id IS NULL THEN 0
              ELSE l.quantity * coalesce(f.numerator, g.numerator, 1) * div(k.quantity_scale, coalesce(f.denominator, g.denominator, 1)) END AS scaled_quantity,
         l.net_amount, l.quantity, l.unit_price, l.price_base_quantity, l.allowance_total, l.charge_total,
         w.duplicate = 'DUP_EXACT' AND w.booking_no IS NULL AND NOT EXISTS (
           SELECT FROM hold h WHERE h.invoice_id = w.invoice_id AND h.code = 'DUP_EXACT' AND h.release_kind = 'person') AS repeated,
         o.match_type = 3 AND o.gr_based AND o.unit_price > 0 AND k.received <= 0 AND NOT o.amount_based AS parked_without_receipt,
         w.total_arith IS NOT NULL OR w.not_evaluable IS NOT NULL AS document_fault
  FROM work_invoice w
  JOIN invoice i ON i.invoice_id = w.invoice_id
  JOIN invoice_line l ON l.invoice_id = w.invoice_id
  LEFT JOIN order_line o ON o.order_line_id = l.order_line_id
  LEFT JOIN work_order_line k ON k.order_line_id = l.order_line_id
  LEFT JOIN uom_factor f ON f.from_uom = l.uom AND f.to_uom = o.uom AND f.item = o.item AND l.uom <> o.uom
  LEFT JOIN uom_factor g ON g.from_uom = l.uom AND g.to_uom = o.uom AND g.item = '*' AND l.uom <> o.uom
), flagged AS (
  SELECT g.*, t.tolerance_id AS wide_tolerance_id,
         g.order_gate IS NULL AND NOT (g.supplier_mismatch OR g.currency_diff OR g.po_not_approved OR g.po_closed OR g.uom_unmapped)
           AND NOT coalesce(g.repeated, false) AS counts,
         coalesce(g.order_gate IN ('PO_MISSING', 'PO_NOT_FOUND'), false) OR g.supplier_mismatch OR g.currency_diff OR g.po_not_approved OR g.po_closed
           OR coalesce(g.repeated, false) OR g.document_fault OR coalesce(g.parked_without_receipt, false)
           OR coalesce(abs(g.net_amount * g.price_base_quantity - (g.quantity * g.unit_price + (g.charge_total - g.allowance_total) * g.price_base_quantity))
                > coalesce(n.line_arith_abs, t.line_arith_abs) * g.price_base_quantity, false) AS line_fault
  FROM gated g JOIN work_tolerance t ON t.scope = g.entity
  LEFT JOIN work_tolerance n ON n.tolerance_id = g.tolerance_id
)
SELECT invoice_line_id, invoice_id, in_scope, order_line_id, coalesce(tolerance_id, wide_tolerance_id), order_gate, supplier_mismatch, currency_diff,
  po_not_approved, po_closed, uom_unmapped, counts, booking_no, invoice_date, number_key, invoice_number, content_hash, is_credit,
  booking_no IS NOT NULL OR NOT bool_or(line_fault) OVER (PARTITION BY invoice_id),
  scaled_quantity, net_amount, quantity, unit_price, price_base_quantity, allowance_total, charge_total
FROM flagged;
