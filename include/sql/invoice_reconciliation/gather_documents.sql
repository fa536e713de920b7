-- Question: which documents are judged tonight, and which count in their running totals?
-- Grain: one row per document. Judged: what is queued, what may repeat its number or be repeated by it, and what shares an order
-- line with any of those. What shares an order line with the last only counts.
INSERT INTO work_repetition (invoice_id, other_invoice_id)
SELECT q.invoice_id, e.invoice_id FROM match_queue q JOIN invoice i ON i.invoice_id = q.invoice_id
JOIN invoice e ON e.similar_number = i.similar_number AND e.invoice_id <> i.invoice_id
WHERE i.duplicates_evaluable AND e.duplicates_evaluable AND i.number_key <> '' AND e.number_key <> '';
INSERT INTO work_scope (invoice_id, in_scope, queued)
SELECT q.invoice_id, true, true FROM match_queue q
UNION ALL
SELECT DISTINCT r.other_invoice_id, true, false FROM work_repetition r WHERE NOT EXISTS (SELECT FROM match_queue q WHERE q.invoice_id = r.other_invoice_id);
ANALYZE work_scope;

INSERT INTO work_scope (invoice_id, in_scope, queued)
SELECT DISTINCT o.invoice_id, true, false FROM work_scope s
JOIN invoice_line l ON l.invoice_id = s.invoice_id
JOIN invoice_line o ON o.order_line_id = l.order_line_id AND o.invoice_id <> l.invoice_id
JOIN invoice_status e ON e.invoice_id = o.invoice_id -- what was never evaluated is queued
WHERE NOT EXISTS (SELECT FROM work_scope x WHERE x.invoice_id = o.invoice_id);
INSERT INTO work_scope (invoice_id, in_scope, queued)
SELECT DISTINCT o.invoice_id, false, false FROM work_scope s
JOIN invoice_line l ON l.invoice_id = s.invoice_id
JOIN invoice_line o ON o.order_line_id = l.order_line_id AND o.invoice_id <> l.invoice_id
WHERE NOT s.queued AND NOT EXISTS (SELECT FROM work_scope x WHERE x.invoice_id = o.invoice_id);
INSERT INTO work_repetition (invoice_id, other_invoice_id)
SELECT s.invoice_id, e.invoice_id FROM work_scope s JOIN invoice i ON i.invoice_id = s.invoice_id
JOIN invoice e ON e.similar_number = i.similar_number AND e.invoice_id <> i.invoice_id
WHERE NOT s.queued AND i.duplicates_evaluable AND e.duplicates_evaluable AND i.number_key <> '' AND e.number_key <> '';

INSERT INTO work_invoice (invoice_id, in_scope, evaluated, entity, is_credit, supplier_id, currency, invoice_date, booking_no, document_order, above_limit)
SELECT p.invoice_id, p.in_scope, st.invoice_id IS NOT NULL, i.entity, i.kind = 'credit_note', i.supplier_id, i.currency, i.invoice_date, st.booking_no,
       row_number() OVER (ORDER BY st.booking_no NULLS LAST, i.invoice_date, i.number_key, i.invoice_number COLLATE "C", i.content_hash),
       abs(i.gross_total) > coalesce((SELECT v.machine_limit FROM active_policy v WHERE v.policy_id = 'approve_invoice'), 0)
         AND NOT EXISTS (SELECT FROM approved_amount a WHERE a.invoice_id = i.invoice_id)
FROM work_scope p JOIN invoice i ON i.invoice_id = p.invoice_id LEFT JOIN invoice_status st ON st.invoice_id = p.invoice_id
WHERE st.state IS DISTINCT FROM 'rejected';
