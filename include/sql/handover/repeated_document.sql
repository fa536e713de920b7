-- Question: is this the same invoice again, and what became of the first?
-- Grain: one row per document that repeats another by its number, and per line that repeats an earlier line of its order line in quantity and amount.
SELECT h.invoice_id, NULL::bigint AS invoice_line_id, 'repeated_document' AS hypothesis,
       CASE WHEN h.code = 'DUP_EXACT' OR e.gross_total = i.gross_total THEN 1.0 ELSE 0.8 END AS fit,
       3 + (e.gross_total = i.gross_total)::int + (e.invoice_date = i.invoice_date)::int AS explains,
       jsonb_build_object('number', i.invoice_number, 'other_number', e.invoice_number, 'other_date', e.invoice_date::text, 'other_gross', trim_scale(e.gross_total)::text, 'currency', e.currency,
         'same_gross', (e.gross_total = i.gross_total)::text, 'same_date', (e.invoice_date = i.invoice_date)::text, 'other_state', review.state_of_invoice(e.invoice_id), 'date', i.invoice_date::text, 'other_case', c.case_id::text, 'covers', v.covers, 'other_received_at', ops.utc(e.received_at),
         'evidence', jsonb_build_array(jsonb_build_object('what', 'invoice', 'reference', e.invoice_number, 'id', e.invoice_id::text, 'amount', trim_scale(e.gross_total)::text, 'currency', e.currency, 'at', e.invoice_date::text))) AS facts
FROM ledger.hold h JOIN purchasing.invoice i ON i.invoice_id = h.invoice_id JOIN purchasing.invoice e ON e.content_hash = decode(h.facts ->> 'other_sha256', 'hex')
LEFT JOIN LATERAL (SELECT k.case_id FROM review.case k WHERE k.subject_kind = 'invoice' AND k.subject_id = e.invoice_id ORDER BY k.case_id DESC LIMIT 1) c ON true
LEFT JOIN LATERAL (SELECT CASE WHEN bool_and(x.received_quantity - x.billed >= x.own) THEN 'enough' ELSE 'not enough' END AS covers
  FROM (SELECT o.received_quantity, coalesce(g.billed_quantity, 0) AS billed, sum(w.quantity) AS own FROM line w JOIN purchasing.order_line o ON o.order_line_id = w.order_line_id LEFT JOIN ledger.gr_ir g ON g.order_line_id = o.order_line_id
        WHERE w.invoice_id = i.invoice_id AND i.kind = 'invoice' AND NOT EXISTS (SELECT FROM ledger.booked_line z WHERE z.invoice_id = i.invoice_id) GROUP BY o.order_line_id, g.billed_quantity) x) v ON true
WHERE h.invoice_id = ANY (invoices) AND h.released_at IS NULL AND h.code IN ('DUP_EXACT', 'DUP_LIKELY')
UNION ALL
(SELECT DISTINCT ON (l.invoice_line_id) l.invoice_id, l.invoice_line_id, 'repeated_document', 0.95, 3,
       jsonb_build_object('number', l.invoice_number, 'other_number', i.invoice_number, 'other_date', i.invoice_date::text, 'other_gross', trim_scale(i.gross_total)::text, 'currency', i.currency,
         'same_gross', 'true', 'same_date', (i.invoice_date = l.invoice_date)::text, 'other_state', review.state_of_invoice(i.invoice_id), 'other_received_at', ops.utc(i.received_at),
         'evidence', jsonb_build_array(jsonb_build_object('what', 'invoice', 'reference', i.invoice_number || ' line ' || p.line_id, 'id', i.invoice_id::text, 'amount', trim_scale(p.net_amount)::text, 'currency', i.currency, 'at', i.invoice_date::text),
           review.evidence_of_line(l.order_line_id)))
FROM line l JOIN purchasing.invoice_line p ON p.order_line_id = l.order_line_id AND p.invoice_id <> l.invoice_id AND p.quantity = l.quantity AND p.net_amount = l.net_amount
JOIN purchasing.invoice i ON i.invoice_id = p.invoice_id AND i.kind = 'invoice' JOIN ledger.invoice_status st ON st.invoice_id = i.invoice_id AND st.booking_no IS NOT NULL AND st.state <> 'rejected'
WHERE 'QTY_ORD' = ANY (l.codes) AND NOT l.is_credit AND l.order_quantity <= l.ordered
ORDER BY l.invoice_line_id, i.invoice_date, i.invoice_id)
