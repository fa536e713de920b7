-- Question: which printed amount is wrong when the document does not add up?
-- Grain: one row per line or document and amount. What agrees with the order, or with the sum of the lines, is taken to be right.
SELECT l.invoice_id, l.invoice_line_id, 'wrong_line_amount' AS hypothesis, CASE WHEN abs(e.expected - l.reference_amount) <= 0.02 THEN 1.0 ELSE 0.8 END AS fit, 2 AS explains,
       jsonb_build_object('net_amount', trim_scale(l.net_amount)::text, 'expected', trim_scale(round(e.expected, 2))::text, 'off', trim_scale(round(l.net_amount - e.expected, 2))::text, 'currency', l.currency,
         'agrees_with_order', coalesce(abs(e.expected - l.reference_amount) <= 0.02, false)::text,
         'evidence', CASE WHEN l.order_line_id IS NULL THEN '[]'::jsonb ELSE jsonb_build_array(review.evidence_of_line(l.order_line_id)) END || jsonb_build_array(jsonb_build_object('what', 'invoice line',
           'reference', l.invoice_number || ' line ' || l.line_id, 'id', l.invoice_line_id::text, 'amount', trim_scale(l.net_amount)::text, 'currency', l.currency, 'at', l.invoice_date::text))) AS facts
FROM line l CROSS JOIN LATERAL (SELECT l.quantity * l.unit_price / l.price_base_quantity + l.charge_total - l.allowance_total AS expected) e
WHERE 'LINE_ARITH' = ANY (l.codes)
UNION ALL
SELECT i.invoice_id, NULL, 'wrong_total', 1.0, 2, jsonb_build_object('field', t.field, 'printed', trim_scale(t.printed)::text, 'expected', trim_scale(t.expected)::text,
         'off', trim_scale(t.printed - t.expected)::text, 'currency', i.currency, 'evidence', jsonb_build_array(jsonb_build_object('what', t.field, 'reference', i.invoice_number, 'id', i.invoice_id::text,
           'amount', trim_scale(t.printed)::text, 'currency', i.currency, 'at', i.invoice_date::text)))
FROM purchasing.invoice i
CROSS JOIN LATERAL (SELECT t.* FROM (VALUES
  (1, 'sum of the lines', i.line_total, (SELECT sum(x.net_amount) FROM purchasing.invoice_line x WHERE x.invoice_id = i.invoice_id)),
  (2, 'net total', i.net_total, i.line_total - i.allowance_total + i.charge_total),
  (3, 'tax total', i.tax_total, (SELECT sum(x.tax_amount) FROM purchasing.invoice_tax x WHERE x.invoice_id = i.invoice_id)),
  (4, 'gross total', i.gross_total, i.net_total + i.tax_total),
  (5, 'amount due', i.payable_total, i.gross_total - i.prepaid_total + i.rounding_amount)) AS t(place, field, printed, expected)
  WHERE t.printed <> t.expected ORDER BY t.place LIMIT 1) t
WHERE i.invoice_id = ANY (invoices) AND EXISTS (SELECT FROM ledger.hold h WHERE h.invoice_id = i.invoice_id AND h.code = 'TOTAL_ARITH' AND h.released_at IS NULL)
UNION ALL
SELECT h.invoice_id, NULL, CASE WHEN o.rate IS NULL THEN 'wrong_tax' ELSE 'other_tax_rate' END, CASE WHEN o.rate IS NULL THEN 0.9 ELSE 1.0 END, 2,
       jsonb_build_object('category', h.facts ->> 'category', 'rate', h.facts ->> 'rate', 'taxable', h.facts ->> 'taxable', 'tax', h.facts ->> 'tax', 'off', trim_scale(round(h.measured, 4))::text, 'other_rate', o.rate::text, 'currency', i.currency,
         'expected', trim_scale(round((h.facts ->> 'taxable')::numeric * (h.facts ->> 'rate')::numeric / 100, 2))::text,
         'evidence', jsonb_build_array(jsonb_build_object('what', 'tax of the invoice', 'reference', i.invoice_number, 'id', i.invoice_id::text, 'amount', h.facts ->> 'tax', 'currency', i.currency, 'at', i.invoice_date::text)))
FROM ledger.hold h JOIN purchasing.invoice i ON i.invoice_id = h.invoice_id
LEFT JOIN LATERAL (SELECT r.rate FROM (SELECT DISTINCT x.tax_rate AS rate FROM line x WHERE x.invoice_id = h.invoice_id UNION SELECT DISTINCT x.order_tax_rate FROM line x WHERE x.invoice_id = h.invoice_id
                                       UNION SELECT unnest(ARRAY[0, 5, 7, 10, 19, 20, 21, 25]::numeric[])) r
                   WHERE r.rate <> (h.facts ->> 'rate')::numeric AND abs((h.facts ->> 'taxable')::numeric * r.rate / 100 - (h.facts ->> 'tax')::numeric) <= 0.01 ORDER BY r.rate LIMIT 1) o ON true
WHERE h.invoice_id = ANY (invoices) AND h.code = 'TAX_TOTAL' AND h.released_at IS NULL
