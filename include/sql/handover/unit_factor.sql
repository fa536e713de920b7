-- Question: is the quantity or the price off by a factor between units (10, 12, 100, 1000, or one known for the item), and is the amount right?
-- Grain: one row per line and factor that fits exactly. A quantity of which the unit is not known fits with factor 1 too. With the amount as
-- agreed only the unit differs; with the amount off by the same factor too, it is that many times too much that is billed.
SELECT l.invoice_id, l.invoice_line_id, CASE WHEN f.value > 1 AND m.multiple THEN 'multiple_billed' ELSE 'unit_factor' END AS hypothesis,
       CASE WHEN m.same OR f.value = 1 OR f.value > 1 AND m.multiple THEN 1.0 ELSE 0.95 END AS fit,
       CASE WHEN f.value <> 1 AND (m.same OR m.multiple) THEN 4 ELSE 2 END + CASE WHEN r.what = 'received' THEN 1 ELSE 0 END AS explains,
       jsonb_build_object('of', 'quantity', 'factor', trim_scale(round(greatest(f.value, 1 / f.value), 6))::text, 'direction', CASE WHEN f.value > 1 THEN 'times' WHEN f.value < 1 THEN 'divided' ELSE 'same' END,
         'billed', trim_scale(l.quantity)::text, 'billed_uom', coalesce(l.uom, 'no unit'), 'compared', trim_scale(r.quantity)::text, 'compared_uom', l.order_uom, 'compared_with', r.what,
         'price', trim_scale(l.unit_price)::text, 'order_price', trim_scale(l.order_price)::text, 'net_amount', trim_scale(l.net_amount)::text, 'reference_amount', trim_scale(round(m.agreed, 2))::text,
         'currency', l.currency, 'total', CASE WHEN m.same THEN 'same' WHEN m.multiple THEN 'multiple' ELSE 'other' END, 'evidence', jsonb_build_array(review.evidence_of_line(l.order_line_id))) AS facts
FROM line l
CROSS JOIN LATERAL (VALUES ('received', l.open_received), ('ordered', l.ordered), ('left of the order', l.open_ordered)) AS r(what, quantity)
CROSS JOIN LATERAL (
  SELECT p.n AS value FROM unnest(ARRAY[10, 12, 100, 1000]) AS p(n) UNION SELECT 1.0 / p.n FROM unnest(ARRAY[10, 12, 100, 1000]) AS p(n)
  UNION SELECT u.numerator::numeric / u.denominator FROM purchasing.uom_factor u WHERE u.item = l.item AND l.item <> '*'
  UNION SELECT u.denominator::numeric / u.numerator FROM purchasing.uom_factor u WHERE u.item = l.item AND l.item <> '*'
  UNION SELECT 1 WHERE l.order_quantity IS NULL) f
CROSS JOIN LATERAL (SELECT r.quantity * l.order_price / l.order_base AS agreed) a
CROSS JOIN LATERAL (SELECT a.agreed, coalesce(abs(l.net_amount - a.agreed) <= 0.02, false) AS same, coalesce(f.value <> 1 AND abs(l.net_amount - a.agreed * f.value) <= 0.02, false) AS multiple) m
WHERE l.codes && ARRAY['QTY_ORD', 'QTY_REC', 'UOM_UNMAPPED'] AND r.quantity > 0 AND round(coalesce(l.order_quantity, l.quantity), 4) = round(r.quantity * f.value, 4)
UNION ALL
SELECT l.invoice_id, l.invoice_line_id, 'unit_factor', 1.0, 2 + CASE WHEN l.order_quantity IN (l.open_received, l.open_ordered) THEN 1 ELSE 0 END,
       jsonb_build_object('of', 'price', 'factor', f.n::text, 'direction', CASE WHEN f.times THEN 'times' ELSE 'divided' END, 'billed', trim_scale(l.unit_price)::text, 'billed_per', trim_scale(l.price_base_quantity)::text,
         'compared', trim_scale(l.order_price)::text, 'compared_per', trim_scale(l.order_base)::text, 'compared_with', 'order price', 'currency', l.currency,
         'net_amount', trim_scale(l.net_amount)::text, 'reference_amount', trim_scale(round(l.reference_amount, 2))::text,
         'evidence', jsonb_build_array(review.evidence_of_line(l.order_line_id)))
FROM line l CROSS JOIN (SELECT p.n, t.times FROM unnest(ARRAY[10, 12, 100, 1000]) AS p(n), (VALUES (true), (false)) AS t(times)) f
WHERE 'PRICE' = ANY (l.codes) AND l.unit_price > 0 AND l.order_price > 0
  AND CASE WHEN f.times THEN l.unit_price * l.order_base = l.order_price * l.price_base_quantity * f.n
           ELSE round(l.unit_price * l.order_base * f.n, 4) = round(l.order_price * l.price_base_quantity, 4) END
