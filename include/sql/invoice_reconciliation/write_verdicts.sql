-- Every line's measures into line_state, the lines on which a code stands into the working set.
-- A new line is matched until a hold says otherwise (write_states); rows are written only where something changed.
WITH verdict AS MATERIALIZED (
{{ include: invoice_reconciliation/judge_invoice_lines }}
), coded AS (
  INSERT INTO work_verdict (invoice_line_id, invoice_id, order_line_id, qty_ord, qty_rec, amt_rec, no_receipt, price, credit_excess,
    quantity_after, value_after, credited_quantity, credited_value, billed_quantity, billed_value)
  SELECT invoice_line_id, invoice_id, order_line_id, qty_ord, qty_rec, amt_rec, no_receipt, price, credit_excess,
         quantity_after, value_after, credited_quantity, credited_value, billed_quantity, billed_value
  FROM verdict WHERE any_code
)
INSERT INTO line_state AS s (invoice_line_id, invoice_id, order_line_id, state, matched_quantity, billed_before, received, run_id)
SELECT v.invoice_line_id, v.invoice_id, v.order_line_id, 'matched',
       CASE v.quantity_scale WHEN 1 THEN v.matched_quantity ELSE v.matched_quantity / v.quantity_scale END,
       CASE v.quantity_scale WHEN 1 THEN v.quantity_before ELSE v.quantity_before / v.quantity_scale END, v.received, run_in
FROM verdict v
ON CONFLICT (invoice_line_id) DO UPDATE SET order_line_id = excluded.order_line_id, matched_quantity = excluded.matched_quantity,
  billed_before = excluded.billed_before, received = excluded.received, run_id = excluded.run_id
WHERE (s.order_line_id, s.matched_quantity, s.billed_before, s.received) IS DISTINCT FROM (excluded.order_line_id, excluded.matched_quantity, excluded.billed_before, excluded.received);
