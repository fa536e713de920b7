-- Question: is the billed price that of an earlier version of the order line?
-- Grain: one row per line and the latest such version.
SELECT DISTINCT ON (l.invoice_line_id) l.invoice_id, l.invoice_line_id, 'older_order_price' AS hypothesis, 1.0 AS fit, 3 AS explains,
       jsonb_build_object('billed', trim_scale(l.unit_price)::text, 'old_price', trim_scale(v.price)::text, 'new_price', trim_scale(l.order_price)::text, 'currency', l.currency,
         'old_version', coalesce(v.version, v.version_no::text), 'new_version', l.version::text, 'accepted_at', ops.utc(v.accepted_at),
         'evidence', jsonb_build_array(jsonb_build_object('what', 'order version', 'reference', l.order_number || ' line ' || l.order_line || ' version ' || coalesce(v.version, v.version_no::text),
           'id', l.order_line_id::text, 'value', trim_scale(v.price)::text || ' ' || l.order_currency, 'at', ops.utc(v.accepted_at)), review.evidence_of_line(l.order_line_id))) AS facts
FROM line l
CROSS JOIN LATERAL (
  SELECT m.version_no, m.accepted_at, m.content ->> 'version' AS version, (m.content ->> 'unit_price')::numeric AS price, coalesce((m.content ->> 'price_base_quantity')::numeric, 1) AS base
  FROM purchasing.master_version m WHERE m.kind = 'order_line' AND m.business_key = l.entity || '/' || l.order_number || '/' || l.order_line) v
WHERE 'PRICE' = ANY (l.codes) AND l.unit_price > 0 AND v.price * l.price_base_quantity = l.unit_price * v.base AND v.price * l.order_base <> l.order_price * v.base
ORDER BY l.invoice_line_id, v.version_no DESC
