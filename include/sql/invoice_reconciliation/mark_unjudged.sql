-- Question: which lines stand on an order line whose running total nobody can tell or judge?
-- Grain: one row per line. Behind a line in a unit without a factor, what was billed is unknown; above the ordered value of an
-- amount-based order line only a check could judge that is not built.
WITH unknown AS (
  SELECT l.order_line_id, min(l.document_order) AS since FROM work_line l WHERE l.uom_unmapped GROUP BY l.order_line_id
), above AS (
  SELECT s.invoice_line_id FROM (
    SELECT l.invoice_line_id, l.ordered_value, sum(CASE WHEN l.counts THEN CASE WHEN l.is_credit THEN -l.net_amount ELSE l.net_amount END ELSE 0 END)
             OVER (PARTITION BY l.order_line_id ORDER BY l.document_order) AS so_far
    FROM work_line l WHERE l.amount_based AND l.ordered_value IS NOT NULL) s
  WHERE s.so_far > s.ordered_value
)
UPDATE work_line w SET unjudged = concat_ws(', ', w.unjudged,
  CASE WHEN w.document_order > u.since AND NOT w.uom_unmapped THEN 'an earlier document on the order line is in an unknown unit' END,
  CASE WHEN a.invoice_line_id IS NOT NULL AND NOT w.is_credit THEN 'billed above the ordered value' END)
FROM work_line x LEFT JOIN unknown u ON u.order_line_id = x.order_line_id LEFT JOIN above a ON a.invoice_line_id = x.invoice_line_id
WHERE w.invoice_line_id = x.invoice_line_id AND NOT w.booked
  AND (w.document_order > u.since AND NOT w.uom_unmapped OR a.invoice_line_id IS NOT NULL AND NOT w.is_credit);
