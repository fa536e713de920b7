-- Coverage is computed here once more, from orders, receipts and booked lines, apart from the verdict: what is booked on an
-- order line up to and including an invoice, less every credit note booked there, must be ordered, and received where a receipt
-- is required, within the limit in force for that line. Where it is not, a person must have released the latest hold that says
-- so: with other facts there would be another hold.
WITH line AS MATERIALIZED (
  SELECT DISTINCT w.invoice_id, st.booking_no, i.kind = 'credit_note' AS is_credit, l.order_line_id
  FROM work_payment w JOIN invoice_status st ON st.invoice_id = w.invoice_id JOIN invoice i ON i.invoice_id = w.invoice_id JOIN invoice_line l ON l.invoice_id = w.invoice_id
), booked AS (
  SELECT n.invoice_id, n.order_line_id, sum(CASE i.kind WHEN 'credit_note' THEN -1 ELSE 1 END * x.net_amount) AS value,
         sum(CASE i.kind WHEN 'credit_note' THEN -1 ELSE 1 END * CASE WHEN x.uom = o.uom THEN x.quantity ELSE x.quantity * coalesce(f.numerator, g.numerator) / coalesce(f.denominator, g.denominator) END) AS quantity
  FROM line n JOIN order_line o ON o.order_line_id = n.order_line_id
  JOIN invoice_line x ON x.order_line_id = n.order_line_id
  JOIN invoice i ON i.invoice_id = x.invoice_id
  JOIN invoice_status s ON s.invoice_id = x.invoice_id AND s.booking_no IS NOT NULL AND (s.booking_no <= n.booking_no OR i.kind = 'credit_note') AND s.state <> 'rejected'
  LEFT JOIN uom_factor f ON f.from_uom = x.uom AND f.to_uom = o.uom AND f.item = o.item
  LEFT JOIN uom_factor g ON g.from_uom = x.uom AND g.to_uom = o.uom AND g.item = '*'
  WHERE NOT n.is_credit
  GROUP BY n.invoice_id, n.order_line_id
), compared AS (
  SELECT n.invoice_id, n.order_line_id, o.order_line_id IS NULL AS unknown, NOT o.approved OR NOT n.is_credit AND NOT o.amount_based AND b.quantity IS NULL AS not_payable,
         NOT o.amount_based AND above_limit(b.quantity - o.quantity, o.quantity, t.ordered_pct, t.ordered_abs, t.ordered_lenient) AS over_ordered,
         o.match_type = 3 AND NOT o.amount_based AND r.quantity > 0 AND above_limit(b.quantity - r.quantity, r.quantity, t.received_pct, t.received_abs, t.received_lenient) AS over_received,
         o.match_type = 3 AND CASE WHEN o.amount_based THEN r.unknown = 0 AND r.value <= 0 AND b.value > t.unreceived_abs
                                   ELSE r.quantity <= 0 AND o.unit_price * b.quantity > t.unreceived_abs * o.price_base_quantity END AS unreceived,
         o.match_type = 3 AND o.amount_based AND (r.unknown > 0 OR r.value > 0) AND coalesce(t.value_pct, t.value_abs) IS NOT NULL
           AND (b.value > r.value AND r.unknown > 0 OR above_limit(b.value - r.value, r.value, t.value_pct, t.value_abs, t.value_lenient)) AS over_value
  FROM line n
  LEFT JOIN order_line o ON o.order_line_id = n.order_line_id
  LEFT JOIN booked b ON b.invoice_id = n.invoice_id AND b.order_line_id = n.order_line_id
  LEFT JOIN coverage_limits(ARRAY(SELECT DISTINCT x.order_line_id FROM line x), (SELECT r.business_date FROM ops.run r WHERE r.run_id = run_in),
    coalesce((SELECT r.tolerance_set FROM ops.rehearsal r WHERE r.run_id = run_in), (SELECT s.value FROM setting s WHERE s.name = 'tolerance_set'))) t ON t.order_line_id = n.order_line_id
  LEFT JOIN LATERAL (SELECT coalesce(sum(r.quantity), 0) AS quantity, coalesce(sum(r.received_value), 0) AS value, count(*) FILTER (WHERE NOT r.value_known) AS unknown
                     FROM receipt_line r WHERE r.order_line_id = n.order_line_id) r ON true
), uncovered AS (
  SELECT c.invoice_id FROM compared c
  CROSS JOIN LATERAL (VALUES ('LINE_UNMATCHED', c.unknown), ('QTY_ORD', c.over_ordered), ('QTY_REC', c.over_received), ('NO_RECEIPT', c.unreceived), ('AMT_REC', c.over_value)) AS missing(code, stands)
  WHERE missing.stands AND 'person' IS DISTINCT FROM (
    SELECT h.release_kind FROM hold h JOIN invoice_line x ON x.invoice_line_id = h.invoice_line_id
    WHERE h.invoice_id = c.invoice_id AND x.order_line_id IS NOT DISTINCT FROM c.order_line_id AND h.code = missing.code ORDER BY h.hold_id DESC LIMIT 1)
  UNION ALL
  SELECT c.invoice_id FROM compared c WHERE c.not_payable
)
UPDATE work_payment w SET covered = false WHERE w.invoice_id IN (SELECT u.invoice_id FROM uncovered u);
