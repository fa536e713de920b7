-- Question: which lines in another unit than their order line's have an exact factor, and what are they in the order's unit?
-- Grain: one row per line of an order line that is billed in another unit. The item's own factor, else the general one; then
-- all quantities of the order line go to the common denominator of the factors.
WITH factor AS (
  SELECT w.invoice_line_id, w.order_line_id, coalesce(f.numerator, g.numerator) AS numerator, coalesce(f.denominator, g.denominator) AS denominator
  FROM work_line w JOIN invoice_line l ON l.invoice_line_id = w.invoice_line_id JOIN order_line o ON o.order_line_id = w.order_line_id
  LEFT JOIN uom_factor f ON f.from_uom = l.uom AND f.to_uom = o.uom AND f.item = o.item
  LEFT JOIN uom_factor g ON g.from_uom = l.uom AND g.to_uom = o.uom AND g.item = '*'
  WHERE w.uom_unmapped AND coalesce(f.numerator, g.numerator) IS NOT NULL
), scale AS (
  SELECT f.order_line_id, purchasing.least_common_multiple(f.denominator::numeric) AS scale FROM factor f GROUP BY f.order_line_id
)
UPDATE work_line w SET uom_unmapped = w.uom_unmapped AND f.invoice_line_id IS NULL,
  counts = w.counts OR f.invoice_line_id IS NOT NULL AND NOT (w.currency_diff OR i.repeated OR NOT w.booked AND (w.supplier_mismatch OR w.po_not_approved OR w.po_closed)),
  quantity = w.quantity * coalesce(f.numerator, 1) * div(s.scale, coalesce(f.denominator, 1)), quantity_scale = s.scale,
  ordered = w.ordered * s.scale, received = w.received * s.scale, price_denominator = w.price_denominator * s.scale
FROM scale s, work_line x LEFT JOIN factor f ON f.invoice_line_id = x.invoice_line_id JOIN work_invoice i ON i.invoice_id = x.invoice_id
WHERE x.order_line_id = s.order_line_id AND w.invoice_line_id = x.invoice_line_id;
