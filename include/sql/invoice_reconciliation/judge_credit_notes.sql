-- Question: what does each credit note credit on each of its order lines, and is it more than was billed and not yet credited?
-- Grain: one row per credit note and order line. Portable SQL (Postgres, DuckDB, Spark), as judge_invoice_lines.
-- One document after the other in business order: each may credit what bookable invoices billed there and bookable credit notes
-- before it left. One that credits more is in excess and credits nothing; unless it is booked it is parked whole, so its other
-- order lines are not credited either. credited_quantity and credited_value include the note itself.
WITH RECURSIVE
credited AS (
  SELECT l.order_line_id, l.invoice_id, l.booked, l.amount_based, l.quantity_scale, l.tolerance_id, u.invoice_id IS NULL AS bookable,
         CAST(SUM(l.quantity) AS DECIMAL(38, 4)) AS quantity, CAST(SUM(l.net_amount) AS DECIMAL(38, 4)) AS amount,
         ROW_NUMBER() OVER (PARTITION BY l.order_line_id ORDER BY l.document_order) AS place
  FROM work_line l
  LEFT JOIN work_unbookable u ON u.invoice_id = l.invoice_id
  WHERE l.is_credit AND l.counts
  GROUP BY l.order_line_id, l.document_order, l.invoice_id, l.booked, l.amount_based, l.quantity_scale, l.tolerance_id, u.invoice_id
),
billed AS (
  SELECT l.order_line_id, CAST(SUM(l.quantity) AS DECIMAL(38, 4)) AS quantity, CAST(SUM(l.net_amount) AS DECIMAL(38, 4)) AS amount
  FROM work_line l
  LEFT JOIN work_unbookable u ON u.invoice_id = l.invoice_id
  WHERE l.counts AND NOT l.is_credit AND u.invoice_id IS NULL AND l.order_line_id IN (SELECT c.order_line_id FROM credited c)
  GROUP BY l.order_line_id
),
creditable AS (
  SELECT c.*, COALESCE(b.quantity, 0) AS billed_quantity, COALESCE(b.amount, 0) AS billed_value,
         CAST(COALESCE(b.quantity, 0) + t.credit_excess_abs * c.quantity_scale AS DECIMAL(38, 4)) AS quantity_limit,
         CAST(COALESCE(b.amount, 0) + t.credit_excess_abs AS DECIMAL(38, 4)) AS value_limit
  FROM credited c
  LEFT JOIN billed b ON b.order_line_id = c.order_line_id
  JOIN work_tolerance t ON t.tolerance_id = c.tolerance_id
),
-- how much may still be credited when each one's turn comes
walked AS (
  SELECT c.order_line_id, c.place, c.quantity_limit AS quantity_room, c.value_limit AS value_room FROM creditable c WHERE c.place = 1
  UNION ALL
  SELECT w.order_line_id, w.place + 1,
         CAST(CASE WHEN c.bookable AND (c.amount_based OR c.quantity <= w.quantity_room) AND c.amount <= w.value_room
              THEN w.quantity_room - c.quantity ELSE w.quantity_room END AS DECIMAL(38, 4)),
         CAST(CASE WHEN c.bookable AND (c.amount_based OR c.quantity <= w.quantity_room) AND c.amount <= w.value_room
              THEN w.value_room - c.amount ELSE w.value_room END AS DECIMAL(38, 4))
  FROM walked w
  JOIN creditable c ON c.order_line_id = w.order_line_id AND c.place = w.place
  WHERE w.place < (SELECT MAX(x.place) FROM credited x)
),
judged AS (
  SELECT c.*, c.quantity + COALESCE(c.quantity_limit - w.quantity_room, 0) AS credited_quantity, c.amount + COALESCE(c.value_limit - w.value_room, 0) AS credited_value,
         COALESCE((NOT c.amount_based AND c.quantity > w.quantity_room) OR c.amount > w.value_room, FALSE) AS in_excess
  FROM creditable c
  JOIN walked w ON w.order_line_id = c.order_line_id AND w.place = c.place
)
SELECT j.order_line_id, j.invoice_id, j.quantity, j.amount, j.in_excess, j.credited_quantity, j.credited_value, j.billed_quantity, j.billed_value,
       j.bookable AND NOT j.in_excess AND (j.booked OR parked.invoice_id IS NULL) AS credited
FROM judged j
LEFT JOIN (SELECT DISTINCT x.invoice_id FROM judged x WHERE x.in_excess) parked ON parked.invoice_id = j.invoice_id
