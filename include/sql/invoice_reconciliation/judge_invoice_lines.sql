-- Question: which line-level codes of the hold catalogue stand on each invoice line of the working set?
-- Grain: one row per work_line. Portable SQL (Postgres, DuckDB, Spark): no division, limits by cross-multiplication,
-- NULL limit = not checked, pass when measured <= limit. Quantities are in order units times the order line's quantity_scale.
WITH
-- 1. billed by bookable invoices and credited so far, per order line; documents in business order, peers = one document
credit AS (
  SELECT l.*,
         SUM(CASE WHEN l.counts AND NOT l.is_credit AND l.bookable THEN l.scaled_quantity ELSE 0 END) OVER (PARTITION BY l.order_line_id) AS billed_quantity,
         SUM(CASE WHEN l.counts AND NOT l.is_credit AND l.bookable THEN l.net_amount ELSE 0 END) OVER (PARTITION BY l.order_line_id) AS billed_value,
         SUM(CASE WHEN l.counts AND l.is_credit THEN l.scaled_quantity ELSE 0 END) OVER business_order AS credited_quantity,
         SUM(CASE WHEN l.counts AND l.is_credit THEN l.net_amount ELSE 0 END) OVER business_order AS credited_value
  FROM work_line l
  WINDOW business_order AS (PARTITION BY l.order_line_id ORDER BY l.document_order)
),
excess AS (
  SELECT c.*, o.match_type, o.gr_based, o.amount_based, o.quantity AS ordered, o.unit_price AS order_price,
         o.price_base_quantity AS order_price_base, o.quantity_scale, o.receipts, o.received, o.received_value, o.unknown_receipts,
         t.qty_ord_pct, t.qty_ord_abs, t.qty_ord_lenient, t.qty_rec_pct, t.qty_rec_abs, t.qty_rec_lenient,
         t.amt_rec_pct, t.amt_rec_abs, t.amt_rec_lenient, t.no_receipt_abs, t.price_pct, t.price_abs, t.price_lenient,
         c.counts AND c.is_credit AND t.credit_excess_abs IS NOT NULL AND (
           (NOT o.amount_based AND c.credited_quantity > c.billed_quantity + t.credit_excess_abs * o.quantity_scale)
           OR c.credited_value > c.billed_value + t.credit_excess_abs) AS credit_excess
  FROM credit c
  LEFT JOIN work_order_line o ON o.order_line_id = c.order_line_id
  JOIN work_tolerance t ON t.tolerance_id = c.tolerance_id
),
-- 2. billed so far including this document, net of credits that are not in excess
cumulative AS (
  SELECT e.*,
         SUM(CASE WHEN NOT e.counts OR e.credit_excess THEN 0 WHEN e.is_credit THEN -e.scaled_quantity ELSE e.scaled_quantity END) OVER business_order AS quantity_after,
         SUM(CASE WHEN NOT e.counts OR e.credit_excess THEN 0 WHEN e.is_credit THEN -e.net_amount ELSE e.net_amount END) OVER business_order AS value_after
  FROM excess e
  WINDOW business_order AS (PARTITION BY e.order_line_id ORDER BY e.document_order)
),
-- 3. what each check compares: variance against its base, both brought to one denominator
measured AS (
  SELECT c.*,
         c.counts AND NOT c.is_credit AS billed_line,
         c.quantity_after - c.ordered * c.quantity_scale AS over_ordered,
         c.quantity_after - c.received * c.quantity_scale AS over_received,
         c.value_after - c.received_value AS over_received_value,
         CASE WHEN c.is_credit THEN -1 ELSE 1 END
           * (c.net_amount * c.order_price_base * c.quantity_scale - c.scaled_quantity * c.order_price) AS over_price,
         c.scaled_quantity * c.order_price AS price_reference,
         c.order_price_base * c.quantity_scale AS price_denominator
  FROM cumulative c
),
judged AS (
  SELECT m.*,
    m.billed_line AND NOT m.amount_based AND m.over_ordered > 0 AND CASE WHEN m.qty_ord_lenient AND m.qty_ord_pct IS NOT NULL AND m.qty_ord_abs IS NOT NULL
        THEN m.over_ordered * 100 > m.qty_ord_pct * m.ordered * m.quantity_scale AND m.over_ordered > m.qty_ord_abs * m.quantity_scale
        ELSE COALESCE(m.over_ordered * 100 > m.qty_ord_pct * m.ordered * m.quantity_scale, FALSE)
          OR COALESCE(m.over_ordered > m.qty_ord_abs * m.quantity_scale, FALSE) END AS qty_ord,
    m.billed_line AND NOT m.amount_based AND m.match_type = 3 AND m.received > 0 AND m.over_received > 0
      AND CASE WHEN m.qty_rec_lenient AND m.qty_rec_pct IS NOT NULL AND m.qty_rec_abs IS NOT NULL
        THEN m.over_received * 100 > m.qty_rec_pct * m.received * m.quantity_scale AND m.over_received > m.qty_rec_abs * m.quantity_scale
        ELSE COALESCE(m.over_received * 100 > m.qty_rec_pct * m.received * m.quantity_scale, FALSE)
          OR COALESCE(m.over_received > m.qty_rec_abs * m.quantity_scale, FALSE) END AS qty_rec,
    -- receipts of unknown value: the excess cannot be known, so anything above the known value is held
    m.billed_line AND m.amount_based AND m.match_type = 3 AND m.receipts > 0 AND m.over_received_value > 0
      AND COALESCE(m.amt_rec_pct, m.amt_rec_abs) IS NOT NULL
      AND (m.unknown_receipts > 0 OR CASE WHEN m.amt_rec_lenient AND m.amt_rec_pct IS NOT NULL AND m.amt_rec_abs IS NOT NULL
        THEN m.over_received_value * 100 > m.amt_rec_pct * m.received_value AND m.over_received_value > m.amt_rec_abs
        ELSE COALESCE(m.over_received_value * 100 > m.amt_rec_pct * m.received_value, FALSE)
          OR COALESCE(m.over_received_value > m.amt_rec_abs, FALSE) END) AS amt_rec,
    m.billed_line AND m.match_type = 3 AND m.no_receipt_abs IS NOT NULL
      AND CASE WHEN m.amount_based THEN m.receipts = 0 AND m.value_after > m.no_receipt_abs
               ELSE m.received <= 0 AND m.order_price * m.quantity_after > m.no_receipt_abs * m.price_denominator END AS no_receipt,
    m.counts AND NOT m.amount_based AND m.over_price > 0
      AND CASE WHEN m.price_lenient AND m.price_pct IS NOT NULL AND m.price_abs IS NOT NULL
        THEN m.over_price * 100 > m.price_pct * m.price_reference AND m.over_price > m.price_abs * m.price_denominator
        ELSE COALESCE(m.over_price * 100 > m.price_pct * m.price_reference, FALSE)
          OR COALESCE(m.over_price > m.price_abs * m.price_denominator, FALSE) END AS price
  FROM measured m
),
coded AS (
  SELECT j.invoice_line_id, j.invoice_id, j.order_line_id, j.counts AND NOT j.amount_based AS measurable,
         j.order_gate IS NOT NULL OR j.supplier_mismatch OR j.currency_diff OR j.po_not_approved OR j.po_closed OR j.uom_unmapped OR j.line_arith AS gated,
         COALESCE(j.qty_ord, FALSE) AS qty_ord, COALESCE(j.qty_rec, FALSE) AS qty_rec, COALESCE(j.amt_rec, FALSE) AS amt_rec,
         COALESCE(j.no_receipt, FALSE) AS no_receipt, COALESCE(j.price, FALSE) AS price, COALESCE(j.credit_excess, FALSE) AS credit_excess,
         j.quantity_after, j.value_after, j.credited_quantity, j.credited_value, j.billed_quantity, j.billed_value, j.scaled_quantity, j.quantity_scale,
         CASE WHEN j.match_type = 3 THEN j.received ELSE j.ordered END AS supply, CASE WHEN j.amount_based THEN j.received_value ELSE j.received END AS received
  FROM judged j WHERE j.in_scope
)
SELECT invoice_line_id, invoice_id, order_line_id, qty_ord, qty_rec, amt_rec, no_receipt, price, credit_excess,
       gated OR qty_ord OR qty_rec OR amt_rec OR no_receipt OR price OR credit_excess AS any_code,
       quantity_after, value_after, credited_quantity, credited_value, billed_quantity, billed_value, quantity_scale, received,
       CASE WHEN measurable THEN quantity_after - scaled_quantity END AS quantity_before,
       CASE WHEN measurable THEN GREATEST(LEAST(quantity_after, supply * quantity_scale) - (quantity_after - scaled_quantity), 0) END AS matched_quantity
FROM coded
