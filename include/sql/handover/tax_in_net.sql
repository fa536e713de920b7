-- Question: does the net amount contain the tax?
-- Grain: one row per line. Rates: that of the line and that of its order line.
SELECT DISTINCT ON (l.invoice_line_id) l.invoice_id, l.invoice_line_id, 'tax_in_net' AS hypothesis, 1.0 AS fit, 3 AS explains,
       jsonb_build_object('net_amount', trim_scale(l.net_amount)::text, 'reference_amount', trim_scale(round(l.reference_amount, 2))::text, 'rate', trim_scale(r.rate)::text, 'currency', l.currency,
         'evidence', jsonb_build_array(review.evidence_of_line(l.order_line_id))) AS facts
FROM line l CROSS JOIN LATERAL (VALUES (l.order_tax_rate), (l.tax_rate)) AS r(rate)
WHERE 'PRICE' = ANY (l.codes) AND r.rate > 0 AND l.reference_amount > 0 AND abs(l.net_amount - round(l.reference_amount * (100 + r.rate) / 100, 2)) <= 0.02
ORDER BY l.invoice_line_id, r.rate DESC
