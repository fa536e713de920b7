-- Question: do the amounts fit the order at one rate between the two currencies?
-- Grain: one row per line. A rate of exactly 1 says that the currency alone is named wrongly; else every line of the document must imply one rate.
SELECT l.invoice_id, l.invoice_line_id, 'other_currency' AS hypothesis,
       CASE WHEN abs(l.net_amount - l.reference_amount) <= 0.02 THEN 1.0 WHEN d.lines > 1 AND d.apart <= 0.001 * d.rate THEN 0.95 ELSE 0.6 END AS fit, CASE WHEN d.lines > 1 THEN 3 ELSE 2 END AS explains,
       jsonb_build_object('invoice_currency', l.currency, 'order_currency', l.order_currency, 'billed', trim_scale(l.net_amount)::text, 'reference_amount', trim_scale(round(l.reference_amount, 2))::text,
         'rate', trim_scale(round(l.net_amount / l.reference_amount, 5))::text, 'same_amount', (abs(l.net_amount - l.reference_amount) <= 0.02)::text, 'lines', d.lines::text,
         'evidence', jsonb_build_array(review.evidence_of_line(l.order_line_id))) AS facts
FROM line l
JOIN (SELECT x.invoice_id, count(*) AS lines, avg(x.net_amount / x.reference_amount) AS rate, max(x.net_amount / x.reference_amount) - min(x.net_amount / x.reference_amount) AS apart
      FROM line x WHERE x.order_currency <> x.currency AND x.reference_amount > 0 GROUP BY x.invoice_id) d ON d.invoice_id = l.invoice_id
WHERE 'CURRENCY_DIFF' = ANY (l.codes) AND l.reference_amount > 0
