-- Entries for the invoices of work_booking, in business order. GR/IR stands at the order price of the cumulative quantity, so
-- that it does not depend on the order of events. Where something else was received (the price changed since), it is cleared
-- at the value received per unit up to the quantity received, at the order price beyond it; what the invoice bills above or below goes to price variance.
-- Lines without an order line or an exact unit factor go to unmatched purchases. Credit notes turn every sign.
WITH posting AS MATERIALIZED (SELECT * FROM posting_day WHERE entity IN (SELECT i.entity FROM work_booking b JOIN invoice i ON i.invoice_id = b.invoice_id)), numbered AS (
  SELECT b.invoice_id, (SELECT coalesce(max(s.booking_no), 0) FROM invoice_status s) + row_number() OVER (ORDER BY i.invoice_date, i.number_key, i.invoice_number COLLATE "C", i.content_hash) AS booking_no
  FROM work_booking b JOIN invoice i ON i.invoice_id = b.invoice_id
), billed AS (
  SELECT l.invoice_line_id, l.invoice_id, l.position, l.net_amount, n.booking_no, CASE i.kind WHEN 'credit_note' THEN -1 ELSE 1 END AS sign,
         o.order_line_id, o.amount_based, o.unit_price, o.price_base_quantity,
         round(CASE WHEN o.order_line_id IS NULL OR o.amount_based THEN NULL WHEN l.uom = o.uom THEN l.quantity
                    ELSE l.quantity * coalesce(f.numerator, g.numerator) / coalesce(f.denominator, g.denominator) END, 12) AS order_quantity
  FROM numbered n JOIN invoice i ON i.invoice_id = n.invoice_id JOIN invoice_line l ON l.invoice_id = n.invoice_id
  LEFT JOIN order_line o ON o.order_line_id = l.order_line_id
  LEFT JOIN uom_factor f ON f.from_uom = l.uom AND f.to_uom = o.uom AND f.item = o.item
  LEFT JOIN uom_factor g ON g.from_uom = l.uom AND g.to_uom = o.uom AND g.item = '*'
), running AS (
  SELECT b.*, b.order_quantity IS NOT NULL AS clears, k.received_quantity, k.received_value, k.billed_value,
         k.billed_quantity + SUM(b.sign * b.order_quantity) OVER booking_order AS after_quantity, row_number() OVER booking_order AS place
  FROM billed b LEFT JOIN gr_ir k ON k.order_line_id = b.order_line_id AND b.order_quantity IS NOT NULL
  WINDOW booking_order AS (PARTITION BY b.order_line_id, b.order_quantity IS NOT NULL ORDER BY b.booking_no, b.position ROWS UNBOUNDED PRECEDING)
), target AS (
  SELECT r.*, round(CASE WHEN r.received_value = round(r.received_quantity * r.unit_price / r.price_base_quantity, 2) THEN r.after_quantity * r.unit_price / r.price_base_quantity
                         WHEN r.received_quantity > 0 AND r.after_quantity <= r.received_quantity THEN r.received_value * r.after_quantity / r.received_quantity
                         ELSE r.received_value + (r.after_quantity - r.received_quantity) * r.unit_price / r.price_base_quantity END, 2) AS target_value
  FROM running r
), cleared AS (
  SELECT t.invoice_line_id, t.invoice_id, t.position, t.order_line_id, t.sign, t.sign * round(t.net_amount, 2) AS net, t.sign * t.order_quantity AS quantity, t.clears, t.amount_based,
         CASE WHEN t.clears THEN t.target_value - coalesce(lag(t.target_value) OVER (PARTITION BY t.order_line_id, t.clears ORDER BY t.place), t.billed_value)
              WHEN t.amount_based THEN t.sign * round(t.net_amount, 2) END AS gr_ir
  FROM target t
), keyed AS (
  SELECT n.invoice_id, n.booking_no, b.decision_id, b.payment_block, i.entity, i.invoice_date, i.due_date, i.supplier_id, i.currency,
         'invoice/' || i.entity || '/' || encode(i.content_hash, 'hex') AS business_key, CASE i.kind WHEN 'credit_note' THEN -1 ELSE 1 END AS sign,
         round(i.net_total, 2) AS net, round(i.tax_total, 2) AS tax, round(i.gross_total, 2) AS gross, round(i.payable_total, 2) AS payable,
         CASE i.kind WHEN 'credit_note' THEN 'credit_note' ELSE 'invoice' END AS event, p.day, p.period, dec.person_id, dec.case_id, dec.reason_code
  FROM numbered n JOIN work_booking b ON b.invoice_id = n.invoice_id JOIN invoice i ON i.invoice_id = n.invoice_id
  JOIN decision dec ON dec.decision_id = b.decision_id
  JOIN posting p ON p.entity = i.entity
), entered AS (
  INSERT INTO journal_entry (entity, business_key, event, posting_date, document_date, period, invoice_id, decision_id, person_id, reason_code, case_id, run_id)
  SELECT k.entity, k.business_key, k.event, k.day, k.invoice_date, k.period, k.invoice_id, k.decision_id, k.person_id, k.reason_code, k.case_id, run_in
  FROM keyed k
  WHERE k.net <> 0 OR k.tax <> 0 OR EXISTS (SELECT FROM cleared c WHERE c.invoice_id = k.invoice_id AND c.gr_ir <> 0) -- an invoice of nothing has no entry
  ORDER BY k.booking_no
  RETURNING entry_id, invoice_id
), lined AS (
  INSERT INTO work_entry_line (business_key, line_no, role, amount, order_line_id, purpose)
  SELECT k.business_key, c.position * 2, CASE WHEN c.gr_ir IS NULL THEN 'unmatched_purchases' ELSE 'gr_ir' END, coalesce(c.gr_ir, c.net),
         CASE WHEN c.gr_ir IS NOT NULL THEN c.order_line_id END, CASE WHEN c.gr_ir IS NULL THEN 'billed without an order line' ELSE 'goods or services billed' END
  FROM cleared c JOIN keyed k ON k.invoice_id = c.invoice_id
  UNION ALL
  SELECT k.business_key, c.position * 2 + 1, 'price_variance', c.net - c.gr_ir, c.order_line_id, 'price variance'
  FROM cleared c JOIN keyed k ON k.invoice_id = c.invoice_id WHERE c.net <> c.gr_ir
  UNION ALL
  SELECT k.business_key, 1000000, 'price_variance', k.sign * k.net - s.net, NULL, 'rounding of line amounts'
  FROM keyed k JOIN (SELECT c.invoice_id, sum(c.net) AS net FROM cleared c GROUP BY c.invoice_id) s ON s.invoice_id = k.invoice_id WHERE k.sign * k.net <> s.net
  UNION ALL
  SELECT k.business_key, 1000001, 'input_vat', k.sign * k.tax, NULL, 'input tax' FROM keyed k
  UNION ALL
  SELECT k.business_key, 1000002, 'accounts_payable', -k.sign * (k.net + k.tax), NULL, 'payable' FROM keyed k
), opened AS (
  INSERT INTO open_item (invoice_id, entity, supplier_id, amount, currency, due_date, opened_by_entry)
  SELECT k.invoice_id, k.entity, k.supplier_id, k.sign * k.payable, k.currency, k.due_date, e.entry_id FROM keyed k JOIN entered e ON e.invoice_id = k.invoice_id
), marked AS (
  UPDATE invoice_status st SET booking_no = k.booking_no, payment_block = k.payment_block FROM keyed k WHERE st.invoice_id = k.invoice_id
)
UPDATE gr_ir g SET billed_quantity = g.billed_quantity + s.quantity, billed_value = g.billed_value + s.amount
FROM (SELECT c.order_line_id, sum(coalesce(c.quantity, 0)) AS quantity, sum(c.gr_ir) AS amount FROM cleared c WHERE c.gr_ir IS NOT NULL GROUP BY c.order_line_id) s
WHERE g.order_line_id = s.order_line_id;
