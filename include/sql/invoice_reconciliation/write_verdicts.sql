-- The lines on which a code stands into the working set, every line's first state into line_state: a new line with a code is held
-- until its holds say otherwise (write_states). Lines judged before have a state.
DROP TABLE IF EXISTS ledger.work_verdict;
CREATE UNLOGGED TABLE ledger.work_verdict AS
{{ include: invoice_reconciliation/judge_invoice_lines }};
ANALYZE work_verdict;

INSERT INTO line_state (invoice_line_id, invoice_id, order_line_id, state, run_id)
SELECT l.invoice_line_id, l.invoice_id, l.order_line_id, CASE WHEN v.invoice_line_id IS NULL THEN 'matched' ELSE 'held' END, run_in
FROM work_line l LEFT JOIN work_verdict v ON v.invoice_line_id = l.invoice_line_id
WHERE l.in_scope AND NOT l.evaluated ORDER BY l.invoice_line_id;

-- the order line came after the invoice
UPDATE line_state s SET order_line_id = l.order_line_id, run_id = run_in
FROM work_line l WHERE l.in_scope AND l.evaluated AND s.invoice_line_id = l.invoice_line_id AND s.order_line_id IS DISTINCT FROM l.order_line_id;
