-- Question: how does each invoice line of the working set stand to its order line, and does it count in running totals?
-- Grain: one row per invoice line, with what was ordered and received on its order line.
-- Made anew each time, because Postgres reads in parallel for a new table only. Quantities are in order units times
-- quantity_scale, the common denominator of the unit factors of all lines billed on that order line (convert_units);
-- price_denominator is the price base times that scale.
DROP TABLE IF EXISTS ledger.work_line;
CREATE UNLOGGED TABLE ledger.work_line AS
WITH gated AS (
  SELECT l.invoice_line_id, l.invoice_id, w.document_order, l.order_line_id, coalesce(n.tolerance_id, t.tolerance_id) AS tolerance_id,
         w.in_scope, w.evaluated, w.booking_no IS NOT NULL AS booked, w.is_credit, w.repeated, l.net_amount, l.quantity, l.tax_category IS NOT NULL AS taxed,
         CASE WHEN l.order_line_id IS NOT NULL THEN NULL WHEN l.po_number IS NULL THEN 'PO_MISSING'
              ELSE coalesce((SELECT 'LINE_UNMATCHED' FROM order_line x WHERE x.po_number = l.po_number AND x.entity = w.entity LIMIT 1), 'PO_NOT_FOUND') END AS order_gate,
         o.order_line_id IS NOT NULL AND o.supplier_id IS DISTINCT FROM w.supplier_id AS supplier_mismatch,
         o.order_line_id IS NOT NULL AND o.currency <> w.currency AS currency_diff,
         o.order_line_id IS NOT NULL AND NOT o.approved AS po_not_approved,
         o.order_line_id IS NOT NULL AND o.closed AND w.booking_no IS NULL AS po_closed, -- closed after its last invoice: nothing to ask
         o.amount_based IS FALSE AND l.uom IS DISTINCT FROM o.uom AS other_unit,
         -- what was billed is what it says: nothing to compute; else the difference against the limit
         NOT (l.net_amount = l.quantity * l.unit_price AND l.price_base_quantity = 1 AND l.charge_total = 0 AND l.allowance_total = 0)
           AND abs(l.net_amount * l.price_base_quantity - (l.quantity * l.unit_price + (l.charge_total - l.allowance_total) * l.price_base_quantity))
             > coalesce(n.line_arith_abs, t.line_arith_abs) * l.price_base_quantity AS line_arith,
         coalesce(o.gr_based, false) AS gr_based, coalesce(o.amount_based, false) AS amount_based, coalesce(o.match_type, 0) AS match_type,
         o.quantity AS ordered, o.unit_price AS order_price, o.price_base_quantity AS price_denominator,
         coalesce(o.receipts, 0) AS receipts, coalesce(o.unknown_receipts, 0) AS unknown_receipts, o.received_quantity AS received, o.received_value, o.ordered_value,
         -- what only checks could judge that are not built
         CASE WHEN l.quantity <= 0 OR l.net_amount < 0 OR l.charge_total > 0 OR o.doubtful OR o.amount_based AND o.match_type = 2 OR o.order_date > w.invoice_date OR l.tax_rate <> o.tax_rate THEN concat_ws(', ',
           CASE WHEN l.quantity <= 0 OR l.net_amount < 0 THEN 'line with a quantity or amount that is not positive' END,
           CASE WHEN l.charge_total > 0 THEN 'charge on a line' END,
           CASE WHEN o.doubtful THEN 'a later version of the order is in quarantine' END,
           CASE WHEN o.amount_based AND o.match_type = 2 THEN 'amount ordered without a receipt to compare' END,
           CASE WHEN o.order_date > w.invoice_date THEN 'order placed after the invoice date' END,
           CASE WHEN l.tax_rate <> o.tax_rate THEN 'tax rate is not the order''s' END) END AS unjudged
  FROM work_invoice w
  JOIN work_tolerance t ON t.scope = w.entity
  JOIN invoice_line l ON l.invoice_id = w.invoice_id
  LEFT JOIN order_line o ON o.order_line_id = l.order_line_id
  LEFT JOIN work_tolerance n ON n.tolerance_id = l.order_line_id
)
SELECT g.invoice_line_id, g.invoice_id, g.document_order, g.order_line_id, g.tolerance_id, g.receipts, g.unknown_receipts, g.match_type, g.in_scope, g.evaluated,
       g.booked, g.is_credit,
       g.order_line_id IS NOT NULL AND NOT (g.currency_diff OR g.other_unit OR g.repeated OR NOT g.booked AND (g.supplier_mismatch OR g.po_not_approved OR g.po_closed)) AS counts,
       g.unjudged, g.taxed, g.supplier_mismatch, g.currency_diff, g.po_not_approved, g.po_closed, g.other_unit AS uom_unmapped, coalesce(g.line_arith, false) AS line_arith,
       g.gr_based, g.amount_based, g.order_gate, CASE WHEN g.amount_based THEN 0 ELSE g.quantity END AS quantity, g.net_amount, 1::numeric AS quantity_scale,
       g.ordered, g.order_price, g.price_denominator, g.received, g.received_value, g.ordered_value
FROM gated g;
