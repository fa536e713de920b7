-- Question: why is more credited than billed: was it credited before, or never billed?
-- Grain: one row per line.
SELECT l.invoice_id, l.invoice_line_id, CASE WHEN c.quantity > 0 THEN 'credited_before' WHEN b.quantity > 0 THEN 'credit_too_large' ELSE 'never_billed' END AS hypothesis,
       CASE WHEN c.quantity > 0 OR coalesce(b.quantity, 0) = 0 THEN 1.0 ELSE 0.8 END AS fit, 2 AS explains,
       jsonb_build_object('credited', trim_scale(l.quantity)::text, 'credited_before', trim_scale(coalesce(c.quantity, 0))::text, 'billed', trim_scale(coalesce(b.quantity, 0))::text, 'uom', l.order_uom,
         'evidence', jsonb_build_array(review.evidence_of_line(l.order_line_id)) || review.evidence_of_billing(l.order_line_id, l.invoice_id)) AS facts
FROM line l
LEFT JOIN LATERAL (SELECT sum(p.quantity) AS quantity FROM purchasing.invoice_line p JOIN purchasing.invoice i ON i.invoice_id = p.invoice_id AND i.kind = 'credit_note'
                   JOIN ledger.invoice_status st ON st.invoice_id = i.invoice_id AND st.booking_no IS NOT NULL AND st.state <> 'rejected' WHERE p.order_line_id = l.order_line_id AND p.invoice_id <> l.invoice_id) c ON true
LEFT JOIN LATERAL (SELECT sum(p.quantity) AS quantity FROM purchasing.invoice_line p JOIN purchasing.invoice i ON i.invoice_id = p.invoice_id AND i.kind = 'invoice'
                   JOIN ledger.invoice_status st ON st.invoice_id = i.invoice_id AND st.booking_no IS NOT NULL AND st.state <> 'rejected' WHERE p.order_line_id = l.order_line_id) b ON true
WHERE 'CREDIT_EXCESS' = ANY (l.codes) AND l.order_line_id IS NOT NULL
