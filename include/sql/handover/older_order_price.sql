-- Question: is the billed price that of an earlier version of the order line, and was the price changed after the invoice was written?
-- Grain: one row per line and the latest such version. changed_at is when the source changed the order, known_at when it came here.
SELECT DISTINCT ON (l.invoice_line_id) l.invoice_id, l.invoice_line_id, 'older_order_price' AS hypothesis, 1.0 AS fit, 3 AS explains,
       jsonb_build_object('billed', trim_scale(l.unit_price)::text, 'old_price', trim_scale(v.price)::text, 'new_price', trim_scale(l.order_price)::text, 'currency', l.currency,
         'old_version', coalesce(v.version, v.version_no::text), 'new_version', l.version::text, 'old_at', v.dated, 'changed_at', ops.utc(c.changed_at), 'known_at', ops.utc(c.known_at),
         'invoice_date', l.invoice_date::text, 'buyer', coalesce(b.name, c.buyer), 'after_invoice', (c.changed_at::date > l.invoice_date)::text,
         'evidence', jsonb_build_array(jsonb_build_object('what', 'order version', 'reference', l.order_number || ' line ' || l.order_line || ' version ' || coalesce(v.version, v.version_no::text),
           'id', l.order_line_id::text, 'price', trim_scale(v.price)::text, 'per', trim_scale(v.base)::text, 'currency', l.order_currency, 'at', v.dated),
           review.evidence_of_line(l.order_line_id) || jsonb_build_object('at', ops.utc(coalesce(c.changed_at, c.known_at))))) AS facts
FROM line l
CROSS JOIN LATERAL (
  SELECT m.version_no, m.content ->> 'version' AS version, (m.content ->> 'unit_price')::numeric AS price, coalesce((m.content ->> 'price_base_quantity')::numeric, 1) AS base,
         CASE WHEN m.version_no = 1 THEN coalesce(m.content ->> 'order_date', ops.utc(m.accepted_at)) ELSE ops.utc(least((m.content ->> 'updated_at')::timestamptz, m.accepted_at)) END AS dated
  FROM purchasing.master_version m WHERE m.kind = 'order_line' AND m.business_key = l.entity || '/' || l.order_number || '/' || l.order_line) v
CROSS JOIN LATERAL (
  -- a source whose clock is ahead changed nothing after it was read
  SELECT CASE WHEN m.content ? 'updated_at' AND m.content ->> 'updated_at' IS NOT NULL THEN least((m.content ->> 'updated_at')::timestamptz, m.accepted_at) END AS changed_at,
         m.accepted_at AS known_at, m.content ->> 'buyer' AS buyer
  FROM purchasing.master_version m WHERE m.kind = 'order_line' AND m.business_key = l.entity || '/' || l.order_number || '/' || l.order_line
    AND (m.content ->> 'unit_price')::numeric * l.order_base = l.order_price * coalesce((m.content ->> 'price_base_quantity')::numeric, 1) AND m.version_no > v.version_no
  ORDER BY m.version_no LIMIT 1) c
LEFT JOIN LATERAL (SELECT p.name FROM review.identity d JOIN review.person p ON p.person_id = d.person_id WHERE d.system = 'erp' AND d.user_id = c.buyer LIMIT 1) b ON true
WHERE 'PRICE' = ANY (l.codes) AND l.unit_price > 0 AND v.price * l.price_base_quantity = l.unit_price * v.base AND v.price * l.order_base <> l.order_price * v.base
ORDER BY l.invoice_line_id, v.version_no DESC
