-- Question: which receipt covers how much of which invoice line?
-- Grain: one row per invoice line and receipt line that meet. Demand and supply of an order line stand as intervals on one axis,
-- in order units times the quantity scale; where two overlap, that much is allocated: exact for any many-to-many.
-- Lines that name a receipt are allocated to it first, the rest first in, first out: documents in business order (booked ones
-- first), receipts by their time, number and line. What was credited comes off the earliest documents, what was returned
-- without naming its receipt off the latest receipts.
WITH scope AS (
  SELECT l.order_line_id, max(l.quantity_scale) AS scale, max(l.received) AS total FROM work_line l
  WHERE l.in_scope AND l.order_line_id IS NOT NULL AND l.match_type = 3 AND NOT l.amount_based GROUP BY l.order_line_id
), billed AS (
  SELECT l.order_line_id, l.invoice_line_id, l.invoice_id, l.quantity, l.document_order,
         sum(l.quantity) OVER (PARTITION BY l.order_line_id ORDER BY l.document_order, l.invoice_line_id ROWS UNBOUNDED PRECEDING) - coalesce(c.quantity, 0) AS upto
  FROM scope s JOIN work_line l ON l.order_line_id = s.order_line_id AND l.counts AND NOT l.is_credit
  LEFT JOIN (SELECT x.order_line_id, sum(x.quantity) AS quantity FROM work_credit x WHERE x.credited GROUP BY x.order_line_id) c ON c.order_line_id = s.order_line_id
), demand AS (
  SELECT b.order_line_id, b.invoice_line_id, b.document_order, b.upto - greatest(b.upto - b.quantity, 0) AS quantity,
         coalesce(l.receipt_number, i.receipt_number) AS receipt_number
  FROM billed b JOIN invoice_line l ON l.invoice_line_id = b.invoice_line_id JOIN invoice i ON i.invoice_id = b.invoice_id
  WHERE b.upto > 0
), reversed AS (
  SELECT v.order_line_id, v.reverses_number, v.reverses_line, sum(v.quantity) AS quantity
  FROM scope s JOIN receipt_line v ON v.order_line_id = s.order_line_id
  WHERE v.reverses_number IS NOT NULL GROUP BY v.order_line_id, v.reverses_number, v.reverses_line
), net_receipt AS (
  SELECT s.order_line_id, r.receipt_line_id, r.receipt_number, r.receipt_line, r.received_at, (r.quantity + coalesce(v.quantity, 0)) * s.scale AS quantity, s.total
  FROM scope s JOIN receipt_line r ON r.order_line_id = s.order_line_id
  LEFT JOIN reversed v ON v.order_line_id = r.order_line_id AND v.reverses_number = r.receipt_number AND v.reverses_line = r.receipt_line
  WHERE r.quantity > 0
), cut AS (
  SELECT n.*, sum(n.quantity) OVER (PARTITION BY n.order_line_id ORDER BY n.received_at, n.receipt_number, n.receipt_line ROWS UNBOUNDED PRECEDING) AS upto
  FROM net_receipt n WHERE n.quantity > 0
), supply AS (
  SELECT c.order_line_id, c.receipt_line_id, c.receipt_number, c.receipt_line, c.received_at, least(c.upto, c.total) - (c.upto - c.quantity) AS quantity
  FROM cut c WHERE least(c.upto, c.total) > c.upto - c.quantity
), named_demand AS (
  SELECT d.*, sum(d.quantity) OVER named AS upto FROM demand d WHERE d.receipt_number IS NOT NULL
  WINDOW named AS (PARTITION BY d.order_line_id, d.receipt_number ORDER BY d.document_order, d.invoice_line_id ROWS UNBOUNDED PRECEDING)
), named_supply AS (
  SELECT s.*, sum(s.quantity) OVER named AS upto FROM supply s
  WHERE s.order_line_id IN (SELECT d.order_line_id FROM named_demand d)
  WINDOW named AS (PARTITION BY s.order_line_id, s.receipt_number ORDER BY s.receipt_line ROWS UNBOUNDED PRECEDING)
), bound AS (
  SELECT d.order_line_id, d.invoice_line_id, s.receipt_line_id, least(d.upto, s.upto) - greatest(d.upto - d.quantity, s.upto - s.quantity) AS quantity
  FROM named_demand d JOIN named_supply s ON s.order_line_id = d.order_line_id AND s.receipt_number = d.receipt_number
  WHERE d.upto > s.upto - s.quantity AND s.upto > d.upto - d.quantity
), free_demand AS (
  SELECT f.*, sum(f.quantity) OVER (PARTITION BY f.order_line_id ORDER BY f.document_order, f.invoice_line_id ROWS UNBOUNDED PRECEDING) AS upto FROM (
    SELECT d.order_line_id, d.invoice_line_id, d.document_order, d.quantity - coalesce(b.quantity, 0) AS quantity
    FROM demand d LEFT JOIN (SELECT x.invoice_line_id, sum(x.quantity) AS quantity FROM bound x GROUP BY x.invoice_line_id) b ON b.invoice_line_id = d.invoice_line_id) f
  WHERE f.quantity > 0
), free_supply AS (
  SELECT f.*, sum(f.quantity) OVER (PARTITION BY f.order_line_id ORDER BY f.received_at, f.receipt_number, f.receipt_line ROWS UNBOUNDED PRECEDING) AS upto FROM (
    SELECT s.order_line_id, s.receipt_line_id, s.received_at, s.receipt_number, s.receipt_line, s.quantity - coalesce(b.quantity, 0) AS quantity
    FROM supply s LEFT JOIN (SELECT x.receipt_line_id, sum(x.quantity) AS quantity FROM bound x GROUP BY x.receipt_line_id) b ON b.receipt_line_id = s.receipt_line_id) f
  WHERE f.quantity > 0
), allocated AS (
  SELECT a.order_line_id, a.invoice_line_id, a.receipt_line_id, sum(a.quantity) AS quantity FROM (
    SELECT * FROM bound
    UNION ALL
    SELECT d.order_line_id, d.invoice_line_id, s.receipt_line_id, least(d.upto, s.upto) - greatest(d.upto - d.quantity, s.upto - s.quantity)
    FROM free_demand d JOIN free_supply s ON s.order_line_id = d.order_line_id
    WHERE d.upto > s.upto - s.quantity AND s.upto > d.upto - d.quantity) a
  GROUP BY a.order_line_id, a.invoice_line_id, a.receipt_line_id
), unit AS (
  SELECT a.order_line_id, a.invoice_line_id, a.receipt_line_id, CASE s.scale WHEN 1 THEN a.quantity ELSE a.quantity / s.scale END AS quantity
  FROM allocated a JOIN scope s ON s.order_line_id = a.order_line_id
), gone AS (
  DELETE FROM receipt_allocation r USING scope s
  WHERE r.order_line_id = s.order_line_id AND NOT EXISTS (SELECT FROM unit u WHERE u.invoice_line_id = r.invoice_line_id AND u.receipt_line_id = r.receipt_line_id)
)
INSERT INTO receipt_allocation AS r (invoice_line_id, receipt_line_id, order_line_id, quantity)
SELECT u.invoice_line_id, u.receipt_line_id, u.order_line_id, u.quantity FROM unit u
ON CONFLICT (invoice_line_id, receipt_line_id) DO UPDATE SET quantity = excluded.quantity, order_line_id = excluded.order_line_id
WHERE r.quantity <> excluded.quantity;
