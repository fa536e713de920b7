-- Entries for the invoices of work_booking, in business order. What a line bills above or below its GR/IR amount goes to price
-- variance; lines without an order line or an exact unit factor go to unmatched purchases. Accounts payable is what the
-- document says is due; where that differs from its net and tax, the small difference has its own line. Credit notes turn every sign.
WITH posting AS MATERIALIZED (SELECT * FROM posting_day), numbered AS (
  SELECT b.invoice_id, (SELECT coalesce(max(s.booking_no), 0) FROM invoice_status s) + row_number() OVER (ORDER BY i.invoice_date, i.number_key, i.invoice_number COLLATE "C", i.content_hash) AS booking_no
  FROM work_booking b JOIN invoice i ON i.invoice_id = b.invoice_id
), billed AS (
  SELECT l.invoice_line_id, l.invoice_id, l.position, n.booking_no, CASE i.kind WHEN 'credit_note' THEN -1 ELSE 1 END AS sign, l.net_amount, l.quantity, l.uom, l.order_line_id
  FROM numbered n JOIN invoice i ON i.invoice_id = n.invoice_id JOIN invoice_line l ON l.invoice_id = n.invoice_id
), {{ include: invoice_reconciliation/clear_gr_ir }}, keyed AS (
  SELECT n.invoice_id, n.booking_no, b.decision_id, b.payment_block, i.entity, i.invoice_date, i.due_date, i.supplier_id, i.currency,
         'invoice/' || i.entity || '/' || encode(i.content_hash, 'hex') AS business_key, CASE i.kind WHEN 'credit_note' THEN -1 ELSE 1 END AS sign,
         round(i.net_total, 2) AS net, round(i.tax_total, 2) AS tax, round(i.payable_total, 2) AS payable,
         CASE i.kind WHEN 'credit_note' THEN 'credit_note' ELSE 'invoice' END AS event, p.day, p.period, dec.person_id, dec.case_id, dec.reason_code
  FROM numbered n JOIN work_booking b ON b.invoice_id = n.invoice_id JOIN invoice i ON i.invoice_id = n.invoice_id
  JOIN decision dec ON dec.decision_id = b.decision_id
  JOIN posting p ON p.entity = i.entity
), entered AS (
  INSERT INTO journal_entry (entity, business_key, event, posting_date, document_date, period, invoice_id, decision_id, person_id, reason_code, case_id, run_id)
  SELECT k.entity, k.business_key, k.event, k.day, k.invoice_date, k.period, k.invoice_id, k.decision_id, k.person_id, k.reason_code, k.case_id, run_in
  FROM keyed k
  WHERE k.net <> 0 OR k.tax <> 0 OR k.payable <> 0 OR EXISTS (SELECT FROM cleared c WHERE c.invoice_id = k.invoice_id AND c.gr_ir <> 0) -- an invoice of nothing has no entry
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
  SELECT k.business_key, 1000002, 'small_difference', k.sign * (k.payable - k.net - k.tax), NULL, 'amount due against net and tax' FROM keyed k
  UNION ALL
  SELECT k.business_key, 1000003, 'accounts_payable', -k.sign * k.payable, NULL, 'payable' FROM keyed k
), opened AS (
  INSERT INTO open_item (invoice_id, entity, supplier_id, amount, currency, due_date, opened_by_entry)
  SELECT k.invoice_id, k.entity, k.supplier_id, k.sign * k.payable, k.currency, k.due_date, e.entry_id FROM keyed k JOIN entered e ON e.invoice_id = k.invoice_id
), marked AS (
  UPDATE invoice_status st SET booking_no = k.booking_no, payment_block = k.payment_block FROM keyed k WHERE st.invoice_id = k.invoice_id
), kept AS (
  INSERT INTO booked_line (invoice_id, invoice_line_id, order_line_id, quantity)
  SELECT c.invoice_id, c.invoice_line_id, CASE WHEN c.gr_ir IS NOT NULL THEN c.order_line_id END, c.quantity FROM cleared c JOIN keyed k ON k.invoice_id = c.invoice_id
)
UPDATE gr_ir g SET billed_quantity = g.billed_quantity + s.quantity, billed_value = g.billed_value + s.amount
FROM (SELECT c.order_line_id, sum(c.quantity) AS quantity, sum(c.gr_ir) AS amount FROM cleared c WHERE c.gr_ir IS NOT NULL GROUP BY c.order_line_id) s
WHERE g.order_line_id = s.order_line_id;
