-- Every line's verdict into line_state, those on which a code stands into the working set. A new line with a code is held until
-- its holds say otherwise (write_states); lines judged before have one.
WITH verdict AS MATERIALIZED (
{{ include: invoice_reconciliation/judge_invoice_lines }}
), coded AS (
  INSERT INTO work_verdict (invoice_line_id, invoice_id, order_line_id, qty_ord, qty_rec, amt_rec, no_receipt, price, credit_excess,
    document_quantity, document_value, quantity_after, value_after, credited_quantity, credited_value, billed_quantity, billed_value)
  SELECT invoice_line_id, invoice_id, order_line_id, qty_ord, qty_rec, amt_rec, no_receipt, price, credit_excess,
         document_quantity, document_value, quantity_after, value_after, credited_quantity, credited_value, billed_quantity, billed_value
  FROM verdict WHERE gated OR qty_ord OR qty_rec OR amt_rec OR no_receipt OR price OR credit_excess
), moved AS (  -- the order line came after the invoice
  UPDATE line_state s SET order_line_id = v.order_line_id, run_id = run_in
  FROM verdict v
  WHERE v.evaluated AND s.invoice_line_id = v.invoice_line_id AND s.order_line_id IS DISTINCT FROM v.order_line_id
)
INSERT INTO line_state (invoice_line_id, invoice_id, order_line_id, state, run_id)
SELECT v.invoice_line_id, v.invoice_id, v.order_line_id,
       CASE WHEN v.gated OR v.qty_ord OR v.qty_rec OR v.amt_rec OR v.no_receipt OR v.price OR v.credit_excess THEN 'held' ELSE 'matched' END, run_in
FROM verdict v WHERE NOT v.evaluated ORDER BY v.invoice_line_id;
