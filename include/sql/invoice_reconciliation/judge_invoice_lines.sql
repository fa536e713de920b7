-- Question: on which invoice lines of the working set do line-level codes of the hold catalogue stand, and which?
-- Grain: one row per line on which a code stands. Portable SQL (Postgres, DuckDB, Spark): no division, limits by cross-multiplication,
-- NULL limit = not checked, pass when measured <= limit. Quantities are in order units times the order line's quantity_scale,
-- on both sides of each comparison.
WITH
-- 1. what was credited on an order line
net_credit AS (
  SELECT c.order_line_id, SUM(c.quantity) AS quantity, SUM(c.amount) AS amount FROM work_credit c WHERE c.credited GROUP BY c.order_line_id
),
-- 2. prices: all that a document bills or credits on the order line against its quantity times the order price, over one
-- denominator. Only where a line by itself is off: sums of lines that are not cannot be
off_price AS (
  SELECT DISTINCT l.order_line_id, l.invoice_id
  FROM work_line l
  WHERE l.counts AND NOT l.amount_based
    AND CASE WHEN l.is_credit THEN l.net_amount * l.price_denominator < l.quantity * l.order_price
             ELSE l.net_amount * l.price_denominator > l.quantity * l.order_price END
),
priced AS (
  SELECT l.order_line_id, l.invoice_id, l.tolerance_id, l.price_denominator, SUM(l.quantity) AS quantity, SUM(l.net_amount) AS amount,
         CASE WHEN l.is_credit THEN -1 ELSE 1 END * (SUM(l.net_amount) * l.price_denominator - SUM(l.quantity) * l.order_price) AS variance,
         SUM(l.quantity) * l.order_price AS reference
  FROM work_line l
  JOIN off_price f ON f.order_line_id = l.order_line_id AND f.invoice_id = l.invoice_id
  WHERE l.counts
  GROUP BY l.order_line_id, l.invoice_id, l.is_credit, l.tolerance_id, l.price_denominator, l.order_price
),
dear AS (
  SELECT p.order_line_id, p.invoice_id, p.quantity, p.amount
  FROM priced p
  JOIN work_tolerance t ON t.tolerance_id = p.tolerance_id
  WHERE p.variance > 0
    AND CASE WHEN t.price_lenient AND t.price_pct IS NOT NULL AND t.price_abs IS NOT NULL
      THEN p.variance * 100 > t.price_pct * p.reference AND p.variance > t.price_abs * p.price_denominator
      ELSE COALESCE(p.variance * 100 > t.price_pct * p.reference, FALSE) OR COALESCE(p.variance > t.price_abs * p.price_denominator, FALSE) END
),
-- 3. order lines on which a running total is needed at all: several lines on one, a line that exceeds what was ordered or received
-- by itself, values, credits. The others, nearly all, bill once and no more than there is
suspect AS (
  SELECT l.order_line_id FROM work_line l WHERE l.counts AND NOT l.is_credit GROUP BY l.order_line_id HAVING COUNT(*) > 1
  UNION
  SELECT l.order_line_id FROM work_line l
  WHERE l.counts AND NOT l.is_credit AND (l.amount_based OR l.quantity > l.ordered OR l.match_type = 3 AND l.quantity > l.received)
  UNION
  SELECT c.order_line_id FROM work_credit c
),
looked_at AS (
  SELECT l.*, d.invoice_id IS NOT NULL AS price, d.quantity AS document_quantity, d.amount AS document_value,
         l.order_gate IS NOT NULL OR l.supplier_mismatch OR l.currency_diff OR l.po_not_approved OR l.po_closed OR l.uom_unmapped OR l.line_arith AS gated
  FROM work_line l
  LEFT JOIN dear d ON d.order_line_id = l.order_line_id AND d.invoice_id = l.invoice_id AND l.counts AND NOT (l.supplier_mismatch OR l.po_not_approved)
  WHERE l.order_line_id IN (SELECT s.order_line_id FROM suspect s) OR d.invoice_id IS NOT NULL
     OR l.order_gate IS NOT NULL OR l.supplier_mismatch OR l.currency_diff OR l.po_not_approved OR l.po_closed OR l.uom_unmapped OR l.line_arith
),
-- 4. what invoices up to and including this one billed on the order line in business order, net of all that was credited
cumulative AS (
  SELECT l.*,
         SUM(CASE WHEN l.counts AND NOT l.is_credit THEN l.quantity ELSE 0 END) OVER business_order AS billed_so_far,
         SUM(CASE WHEN l.counts AND NOT l.is_credit AND l.amount_based THEN l.net_amount ELSE 0 END) OVER business_order AS value_so_far
  FROM looked_at l
  WINDOW business_order AS (PARTITION BY l.order_line_id ORDER BY l.document_order)
),
netted AS (
  SELECT c.*, c.billed_so_far - COALESCE(n.quantity, 0) AS quantity_after, c.value_so_far - COALESCE(n.amount, 0) AS value_after,
         COALESCE(e.in_excess, FALSE) AS credit_excess, e.billed_quantity, e.billed_value, e.credited_quantity, e.credited_value
  FROM cumulative c
  LEFT JOIN net_credit n ON n.order_line_id = c.order_line_id
  LEFT JOIN work_credit e ON e.order_line_id = c.order_line_id AND e.invoice_id = c.invoice_id AND c.counts AND NOT (c.supplier_mismatch OR c.po_not_approved)
),
-- 5. each check: what is above its base, against the limits
limited AS (
  SELECT c.*, c.counts AND NOT c.is_credit AND NOT (c.supplier_mismatch OR c.po_not_approved) AS billed_line,
         t.qty_ord_pct, t.qty_ord_abs, t.qty_ord_lenient, t.qty_rec_pct, t.qty_rec_abs, t.qty_rec_lenient,
         t.amt_rec_pct, t.amt_rec_abs, t.amt_rec_lenient, t.no_receipt_abs
  FROM netted c
  JOIN work_tolerance t ON t.tolerance_id = c.tolerance_id
),
judged AS (
  SELECT m.*,
    m.billed_line AND NOT m.amount_based AND m.quantity_after > m.ordered
      AND CASE WHEN m.qty_ord_lenient AND m.qty_ord_pct IS NOT NULL AND m.qty_ord_abs IS NOT NULL
        THEN (m.quantity_after - m.ordered) * 100 > m.qty_ord_pct * m.ordered AND m.quantity_after - m.ordered > m.qty_ord_abs * m.quantity_scale
        ELSE COALESCE((m.quantity_after - m.ordered) * 100 > m.qty_ord_pct * m.ordered, FALSE)
          OR COALESCE(m.quantity_after - m.ordered > m.qty_ord_abs * m.quantity_scale, FALSE) END AS qty_ord,
    m.billed_line AND NOT m.amount_based AND m.match_type = 3 AND m.received > 0 AND m.quantity_after > m.received
      AND CASE WHEN m.qty_rec_lenient AND m.qty_rec_pct IS NOT NULL AND m.qty_rec_abs IS NOT NULL
        THEN (m.quantity_after - m.received) * 100 > m.qty_rec_pct * m.received AND m.quantity_after - m.received > m.qty_rec_abs * m.quantity_scale
        ELSE COALESCE((m.quantity_after - m.received) * 100 > m.qty_rec_pct * m.received, FALSE)
          OR COALESCE(m.quantity_after - m.received > m.qty_rec_abs * m.quantity_scale, FALSE) END AS qty_rec,
    -- receipts of unknown value: the excess cannot be known, so anything above the known value is held
    m.billed_line AND m.amount_based AND m.match_type = 3 AND (m.unknown_receipts > 0 OR m.received_value > 0) AND m.value_after > m.received_value
      AND COALESCE(m.amt_rec_pct, m.amt_rec_abs) IS NOT NULL
      AND (m.unknown_receipts > 0 OR CASE WHEN m.amt_rec_lenient AND m.amt_rec_pct IS NOT NULL AND m.amt_rec_abs IS NOT NULL
        THEN (m.value_after - m.received_value) * 100 > m.amt_rec_pct * m.received_value AND m.value_after - m.received_value > m.amt_rec_abs
        ELSE COALESCE((m.value_after - m.received_value) * 100 > m.amt_rec_pct * m.received_value, FALSE)
          OR COALESCE(m.value_after - m.received_value > m.amt_rec_abs, FALSE) END) AS amt_rec,
    m.billed_line AND m.match_type = 3 AND m.no_receipt_abs IS NOT NULL
      AND CASE WHEN m.amount_based THEN m.unknown_receipts = 0 AND m.received_value <= 0 AND m.value_after > m.no_receipt_abs
               ELSE m.received <= 0 AND m.order_price * m.quantity_after > m.no_receipt_abs * m.price_denominator END AS no_receipt
  FROM limited m
),
coded AS (
  SELECT j.invoice_line_id, j.invoice_id, j.order_line_id, j.gated,
         COALESCE(j.qty_ord, FALSE) AS qty_ord, COALESCE(j.qty_rec, FALSE) AS qty_rec, COALESCE(j.amt_rec, FALSE) AS amt_rec,
         COALESCE(j.no_receipt, FALSE) AS no_receipt, j.price, j.credit_excess,
         j.document_quantity, j.document_value, j.quantity_after, j.value_after, j.credited_quantity, j.credited_value, j.billed_quantity, j.billed_value
  FROM judged j
  WHERE j.in_scope
)
SELECT c.invoice_line_id, c.invoice_id, c.order_line_id, c.qty_ord, c.qty_rec, c.amt_rec, c.no_receipt, c.price, c.credit_excess,
       c.document_quantity, c.document_value, c.quantity_after, c.value_after, c.credited_quantity, c.credited_value, c.billed_quantity, c.billed_value
FROM coded c
WHERE c.gated OR c.qty_ord OR c.qty_rec OR c.amt_rec OR c.no_receipt OR c.price OR c.credit_excess
