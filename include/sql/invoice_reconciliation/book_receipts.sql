-- Entries for queued receipts, in the order they were received. GR/IR per order line reaches a target that depends on the
-- cumulative quantity alone: the order price of all that was received. Where something else was billed (the price changed
-- since), up to the quantity billed before the value billed per unit, beyond it the order price: so that the balance is
-- exactly zero when all that was received is billed, in whatever order.
-- A receipt leaves the queue in the statement that books it. It stays there while its company code has no open period, or its
-- order is in another currency than the ledger: no exchange rates are built.
WITH posting AS MATERIALIZED (SELECT p.*, e.ledger_currency FROM posting_day p JOIN ops.entity e ON e.entity = p.entity), taken AS (
  DELETE FROM receipt_queue q USING receipt_line r, order_line o, posting p
  WHERE r.receipt_line_id = q.receipt_line_id AND o.order_line_id = r.order_line_id AND p.entity = r.entity AND o.currency = p.ledger_currency
  RETURNING q.receipt_line_id, p.day, p.period
), queued AS (
  SELECT r.receipt_line_id, r.entity, r.receipt_number, r.receipt_line, r.order_line_id, r.quantity, r.received_value, o.amount_based,
         o.unit_price, o.price_base_quantity, g.received_quantity, g.received_value AS booked_value, g.billed_quantity, g.billed_value,
         (r.received_at AT TIME ZONE 'UTC')::date AS document_date, q.day, q.period,
         g.received_quantity + SUM(r.quantity) OVER received_order AS after_quantity,
         row_number() OVER received_order AS place
  FROM taken q JOIN receipt_line r ON r.receipt_line_id = q.receipt_line_id
  JOIN order_line o ON o.order_line_id = r.order_line_id JOIN gr_ir g ON g.order_line_id = r.order_line_id
  WHERE o.amount_based IS FALSE OR r.value_known
  WINDOW received_order AS (PARTITION BY r.order_line_id ORDER BY r.received_at, r.receipt_number, r.receipt_line ROWS UNBOUNDED PRECEDING)
), target AS (
  SELECT q.*, round(CASE WHEN q.billed_value = round(q.billed_quantity * q.unit_price / q.price_base_quantity, 2) THEN q.after_quantity * q.unit_price / q.price_base_quantity
                         WHEN q.billed_quantity > 0 AND q.after_quantity <= q.billed_quantity THEN q.billed_value * q.after_quantity / q.billed_quantity
                         ELSE q.billed_value + (q.after_quantity - q.billed_quantity) * q.unit_price / q.price_base_quantity END, 2) AS target_value
  FROM queued q
), amounted AS (
  SELECT t.*, CASE WHEN t.amount_based THEN t.received_value
                   ELSE t.target_value - coalesce(lag(t.target_value) OVER (PARTITION BY t.order_line_id ORDER BY t.place), t.booked_value) END AS amount
  FROM target t
), entered AS (
  INSERT INTO journal_entry (entity, business_key, event, posting_date, document_date, period, receipt_line_id, run_id)
  SELECT a.entity, 'receipt/' || a.entity || '/' || a.receipt_number || '/' || a.receipt_line, 'goods_receipt', a.day, a.document_date, a.period, a.receipt_line_id, run_in
  FROM amounted a WHERE a.amount <> 0
), lined AS (
  INSERT INTO work_entry_line (business_key, line_no, role, amount, order_line_id, purpose)
  SELECT 'receipt/' || a.entity || '/' || a.receipt_number || '/' || a.receipt_line, s.line_no, s.role, s.sign * a.amount, a.order_line_id, s.purpose
  FROM amounted a CROSS JOIN (VALUES (1, 'inventory', 1, 'goods received'), (2, 'gr_ir', -1, 'goods received')) AS s(line_no, role, sign, purpose)
  WHERE a.amount <> 0
)
UPDATE gr_ir g SET received_quantity = g.received_quantity + s.quantity, received_value = g.received_value + s.amount
FROM (SELECT a.order_line_id, sum(CASE WHEN a.amount_based THEN 0 ELSE a.quantity END) AS quantity, sum(a.amount) AS amount FROM amounted a GROUP BY a.order_line_id) s
WHERE g.order_line_id = s.order_line_id;
