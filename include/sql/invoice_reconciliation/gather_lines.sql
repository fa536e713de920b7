-- Question: how does each invoice line of the working set stand to its order line, and does it count in running totals?
-- Grain: one row per invoice line. bookable = booked, or no code that blocks posting stands on the document. Nothing received on
-- a GR-based order line is such a code; whether it stands is judged here as if nothing had been credited, the cautious reading,
-- because credits are judged against what is bookable.
INSERT INTO work_line (invoice_line_id, invoice_id, document_order, order_line_id, tolerance_id, in_scope, is_credit, counts, bookable,
  supplier_mismatch, currency_diff, po_not_approved, po_closed, uom_unmapped, line_arith, order_gate, scaled_quantity, net_amount)
WITH gated AS (
  SELECT l.invoice_line_id, l.invoice_id, w.document_order, l.order_line_id, coalesce(k.tolerance_id, t.tolerance_id) AS tolerance_id, w.in_scope, w.is_credit,
         w.booking_no IS NOT NULL AS booked,
         CASE WHEN l.order_line_id IS NOT NULL THEN NULL
              WHEN l.po_number IS NULL THEN 'PO_MISSING'
              WHEN EXISTS (SELECT FROM order_line x WHERE x.entity = w.entity AND x.po_number = l.po_number) THEN 'LINE_UNMATCHED'
              ELSE 'PO_NOT_FOUND' END AS order_gate,
         o.order_line_id IS NOT NULL AND o.supplier_id IS DISTINCT FROM i.supplier_id AS supplier_mismatch,
         o.order_line_id IS NOT NULL AND o.currency <> i.currency AS currency_diff,
         o.order_line_id IS NOT NULL AND NOT o.approved AS po_not_approved,
         o.order_line_id IS NOT NULL AND o.closed AS po_closed,
         o.order_line_id IS NOT NULL AND NOT o.amount_based AND l.uom IS DISTINCT FROM o.uom AND coalesce(f.numerator, g.numerator) IS NULL AS uom_unmapped,
         CASE WHEN o.order_line_id IS NULL OR o.amount_based THEN 0
              WHEN l.uom = o.uom AND k.quantity_scale = 1 THEN l.quantity
              ELSE l.quantity * coalesce(f.numerator, g.numerator, 1) * div(k.quantity_scale, coalesce(f.denominator, g.denominator, 1)) END AS scaled_quantity,
         l.net_amount,
         coalesce(abs(l.net_amount * l.price_base_quantity - (l.quantity * l.unit_price + (l.charge_total - l.allowance_total) * l.price_base_quantity))
           > coalesce(n.line_arith_abs, t.line_arith_abs) * l.price_base_quantity, false) AS line_arith,
         w.duplicate IS NOT DISTINCT FROM 'DUP_EXACT' AND w.booking_no IS NULL AND NOT EXISTS (
           SELECT FROM hold h WHERE h.invoice_id = w.invoice_id AND h.code = 'DUP_EXACT' AND h.release_kind = 'person') AS repeated,
         w.total_arith IS NOT NULL OR w.not_evaluable IS NOT NULL AS document_fault,
         coalesce(o.match_type = 3 AND o.gr_based AND NOT w.is_credit AND CASE WHEN o.amount_based THEN k.receipts = 0 ELSE k.received <= 0 END, false) AS unreceived,
         coalesce(o.amount_based, false) AS amount_based, o.unit_price AS order_price, o.price_base_quantity * k.quantity_scale AS price_denominator,
         coalesce(n.no_receipt_abs, t.no_receipt_abs) AS no_receipt_abs
  FROM work_invoice w
  JOIN work_tolerance t ON t.scope = w.entity
  JOIN invoice i ON i.invoice_id = w.invoice_id
  JOIN invoice_line l ON l.invoice_id = w.invoice_id
  LEFT JOIN order_line o ON o.order_line_id = l.order_line_id
  LEFT JOIN work_order_line k ON k.order_line_id = l.order_line_id
  LEFT JOIN work_tolerance n ON n.tolerance_id = k.tolerance_id
  LEFT JOIN uom_factor f ON f.from_uom = l.uom AND f.to_uom = o.uom AND f.item = o.item AND l.uom <> o.uom
  LEFT JOIN uom_factor g ON g.from_uom = l.uom AND g.to_uom = o.uom AND g.item = '*' AND l.uom <> o.uom
), flagged AS (
  SELECT g.*, g.supplier_mismatch OR g.currency_diff OR g.po_not_approved OR g.po_closed AS order_fault FROM gated g
), awaiting_receipt AS (
  SELECT f.invoice_id, f.amount_based, f.order_price, f.price_denominator, f.no_receipt_abs,
         SUM(f.scaled_quantity) OVER business_order AS quantity_after, SUM(f.net_amount) OVER business_order AS value_after
  FROM flagged f WHERE f.unreceived AND NOT (f.order_fault OR f.uom_unmapped OR f.repeated)
  WINDOW business_order AS (PARTITION BY f.order_line_id ORDER BY f.document_order)
), faulty AS (
  SELECT DISTINCT f.invoice_id FROM flagged f
  WHERE f.order_fault OR f.repeated OR f.document_fault OR f.line_arith OR f.order_gate IN ('PO_MISSING', 'PO_NOT_FOUND')
  UNION
  SELECT a.invoice_id FROM awaiting_receipt a
  WHERE CASE WHEN a.amount_based THEN a.value_after > a.no_receipt_abs ELSE a.order_price * a.quantity_after > a.no_receipt_abs * a.price_denominator END
)
SELECT f.invoice_line_id, f.invoice_id, f.document_order, f.order_line_id, f.tolerance_id, f.in_scope, f.is_credit,
       f.order_gate IS NULL AND NOT (f.order_fault OR f.uom_unmapped OR f.repeated),
       f.booked OR x.invoice_id IS NULL,
       f.supplier_mismatch, f.currency_diff, f.po_not_approved, f.po_closed, f.uom_unmapped, f.line_arith, f.order_gate, f.scaled_quantity, f.net_amount
FROM flagged f LEFT JOIN faulty x ON x.invoice_id = f.invoice_id;
