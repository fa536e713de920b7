-- Question: what happened on the order lines of these invoices, in the order in which it happened?
-- Grain: one row per invoice with a line on an order line: its lines, each with its events.
WITH line AS (
  SELECT l.invoice_id, l.invoice_line_id, l.line_id, l.position, l.order_line_id, EXISTS (SELECT FROM ledger.hold h WHERE h.invoice_id = l.invoice_id AND h.invoice_line_id = l.invoice_line_id
           AND h.released_at IS NULL AND h.effect <> 'W') AS held
  FROM purchasing.invoice_line l WHERE l.invoice_id = ANY (invoices) AND l.order_line_id IS NOT NULL
), told AS (
  SELECT x.* FROM (SELECT l.*, bool_or(l.held) OVER (PARTITION BY l.invoice_id) AS any_held, row_number() OVER (PARTITION BY l.invoice_id, l.held ORDER BY l.position) AS place FROM line l) x
  WHERE x.held AND x.place <= 20 OR NOT x.any_held AND x.place <= 3
), event AS (
  SELECT t.invoice_line_id, 1 AS kind, m.version_no::bigint AS number,
         -- when it was so at the source; a source that does not say, or whose clock is ahead: when it came here
         coalesce(CASE WHEN m.version_no = 1 THEN (m.content ->> 'order_date')::date::timestamp AT TIME ZONE 'UTC' END, least((m.content ->> 'updated_at')::timestamptz, m.accepted_at)) AS at,
         jsonb_build_object('what', CASE WHEN m.version_no = 1 THEN 'ordered' ELSE 'order changed' END, 'reference', o.po_number || ' line ' || o.po_line || ' version ' || coalesce(m.content ->> 'version', m.version_no::text),
           'quantity', trim_scale((m.content ->> 'quantity')::numeric)::text, 'uom', m.content ->> 'uom', 'price', trim_scale((m.content ->> 'unit_price')::numeric)::text, 'currency', m.content ->> 'currency', 'per', trim_scale((m.content ->> 'price_base_quantity')::numeric)::text, 'known_at', ops.utc(m.accepted_at),
           'undated', CASE WHEN m.version_no > 1 AND m.content ->> 'updated_at' IS NULL THEN true END,
           'state', CASE WHEN m.content ->> 'status' IN ('closed', 'blocked') THEN m.content ->> 'status' WHEN (m.content ->> 'approved')::boolean THEN 'approved' ELSE 'not approved' END) AS told
  FROM told t JOIN purchasing.order_line o ON o.order_line_id = t.order_line_id
  JOIN purchasing.master_version m ON m.kind = 'order_line' AND m.business_key = o.entity || '/' || o.po_number || '/' || o.po_line
  UNION ALL
  SELECT t.invoice_line_id, 2, r.receipt_line_id, r.received_at,
         jsonb_build_object('what', CASE WHEN r.quantity >= 0 THEN 'received' WHEN r.reverses_number IS NULL THEN 'returned' ELSE 'receipt cancelled' END, 'reference', r.receipt_number || '/' || r.receipt_line,
           'quantity', trim_scale(r.quantity)::text, 'uom', o.uom, 'state', CASE WHEN r.reverses_number IS NULL THEN NULL ELSE 'cancels ' || r.reverses_number || '/' || r.reverses_line END)
  FROM told t JOIN purchasing.order_line o ON o.order_line_id = t.order_line_id JOIN purchasing.receipt_line r ON r.order_line_id = t.order_line_id
  UNION ALL
  SELECT t.invoice_line_id, 3, i.invoice_id, i.invoice_date::timestamp AT TIME ZONE 'UTC',
         jsonb_build_object('what', CASE WHEN i.invoice_id = t.invoice_id THEN 'this ' || replace(i.kind, '_', ' ') WHEN i.kind = 'credit_note' THEN 'credited' ELSE 'billed' END,
           'reference', i.invoice_number || ' line ' || l.line_id, 'quantity', trim_scale(l.quantity)::text, 'uom', l.uom, 'price', trim_scale(l.unit_price)::text, 'per', trim_scale(l.price_base_quantity)::text, 'known_at', ops.utc(i.received_at), 'value', trim_scale(l.net_amount)::text,
           'currency', i.currency, 'this', i.invoice_id = t.invoice_id, 'state', review.state_of_invoice(i.invoice_id))
  FROM told t JOIN purchasing.invoice_line l ON l.order_line_id = t.order_line_id JOIN purchasing.invoice i ON i.invoice_id = l.invoice_id
), placed AS (
  SELECT e.*, row_number() OVER (PARTITION BY e.invoice_line_id ORDER BY e.told ? 'this' AND (e.told -> 'this')::boolean DESC, e.at DESC, e.kind DESC, e.number DESC) AS place,
         count(*) OVER (PARTITION BY e.invoice_line_id) AS events FROM event e
), gathered AS (
  SELECT p.invoice_line_id, max(p.events) AS events, jsonb_agg(jsonb_strip_nulls(p.told || jsonb_build_object('at', ops.utc(p.at))) ORDER BY p.at, p.kind, p.number) AS events_told
  FROM placed p WHERE p.place <= 40 GROUP BY p.invoice_line_id
)
SELECT t.invoice_id, jsonb_agg(jsonb_build_object('line_id', t.line_id, 'position', t.position, 'order', o.po_number, 'order_line', o.po_line, 'description', o.description,
         'left_out', greatest(g.events - 40, 0), 'events', g.events_told) ORDER BY t.position)
FROM told t JOIN purchasing.order_line o ON o.order_line_id = t.order_line_id JOIN gathered g ON g.invoice_line_id = t.invoice_line_id GROUP BY t.invoice_id
