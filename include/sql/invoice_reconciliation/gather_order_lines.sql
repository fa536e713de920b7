-- Question: what was ordered and received on each order line of the working set?
-- Grain: one row per order line. quantity_scale is the common denominator of the unit factors of all lines billed on it.
INSERT INTO work_order_line (order_line_id, tolerance_id, match_type, gr_based, amount_based, quantity, unit_price, price_base_quantity,
  quantity_scale, receipts, received, received_value, unknown_receipts)
WITH touched AS (
  SELECT DISTINCT l.order_line_id FROM work_invoice w JOIN invoice_line l ON l.invoice_id = w.invoice_id WHERE l.order_line_id IS NOT NULL
), converted AS (
  SELECT l.order_line_id, purchasing.least_common_multiple(coalesce(f.denominator, g.denominator)::numeric) AS quantity_scale
  FROM work_invoice w
  JOIN invoice_line l ON l.invoice_id = w.invoice_id
  JOIN order_line o ON o.order_line_id = l.order_line_id AND o.uom <> l.uom
  LEFT JOIN uom_factor f ON f.from_uom = l.uom AND f.to_uom = o.uom AND f.item = o.item
  LEFT JOIN uom_factor g ON g.from_uom = l.uom AND g.to_uom = o.uom AND g.item = '*'
  WHERE f.denominator IS NOT NULL OR g.denominator IS NOT NULL
  GROUP BY l.order_line_id
), received AS (
  SELECT r.order_line_id, count(*) AS receipts, sum(r.quantity) AS quantity, sum(r.received_value) AS received_value,
         count(*) FILTER (WHERE NOT r.value_known) AS unknown_receipts
  FROM touched t JOIN receipt_line r ON r.order_line_id = t.order_line_id GROUP BY r.order_line_id
)
SELECT o.order_line_id, coalesce(narrow.tolerance_id, wide.tolerance_id), o.match_type, o.gr_based, o.amount_based, o.quantity, o.unit_price,
       o.price_base_quantity, coalesce(c.quantity_scale, 1), coalesce(r.receipts, 0), coalesce(r.quantity, 0), coalesce(r.received_value, 0),
       coalesce(r.unknown_receipts, 0)
FROM touched t JOIN order_line o ON o.order_line_id = t.order_line_id
LEFT JOIN received r ON r.order_line_id = t.order_line_id
LEFT JOIN converted c ON c.order_line_id = t.order_line_id
JOIN work_tolerance wide ON wide.scope = o.entity
LEFT JOIN work_tolerance narrow ON narrow.tolerance_id = o.order_line_id;
