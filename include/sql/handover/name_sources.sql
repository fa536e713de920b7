-- Question: from which source and document are the values that a hold compares, and of when?
-- Grain: one row per invoice: an object by position of its held lines, '' for the document.
WITH placed AS (
  SELECT DISTINCT h.invoice_id, h.invoice_line_id FROM ledger.hold h WHERE h.invoice_id = ANY (invoices) AND h.released_at IS NULL AND h.effect <> 'W'
), named AS (
  SELECT p.invoice_id, coalesce(l.position::text, '') AS place, jsonb_strip_nulls(jsonb_build_object(
    'invoice', jsonb_build_object('source', b.source, 'document', i.invoice_number, 'line', l.line_id, 'at', ops.utc(i.received_at)),
    'order', CASE WHEN o.order_line_id IS NOT NULL THEN jsonb_build_object('source', ol.source, 'document', o.po_number, 'line', o.po_line, 'version', o.version::text, 'at', ops.utc(least(o.source_updated_at, ol.accepted_at))) END,
    'receipts', CASE WHEN r.receipts IS NOT NULL THEN jsonb_build_object('source', r.source, 'document', r.receipts, 'at', ops.utc(r.at)) END,
    'other', CASE WHEN e.invoice_id IS NOT NULL THEN jsonb_build_object('source', eb.source, 'document', e.invoice_number, 'at', ops.utc(e.received_at)) END)) AS named
  FROM placed p JOIN purchasing.invoice i ON i.invoice_id = p.invoice_id JOIN intake.load b ON b.load_id = i.load_id
  LEFT JOIN purchasing.invoice_line l ON l.invoice_line_id = p.invoice_line_id
  LEFT JOIN purchasing.order_line o ON o.order_line_id = l.order_line_id LEFT JOIN intake.load ol ON ol.load_id = o.load_id
  LEFT JOIN LATERAL (SELECT string_agg(x.receipt_number, ', ' ORDER BY x.received_at DESC, x.receipt_line_id DESC) FILTER (WHERE x.place <= 3) || CASE WHEN count(*) > 3 THEN ' and ' || count(*) - 3 || ' more' ELSE '' END AS receipts,
                            max(x.received_at) AS at, min(k.source) AS source
                     FROM (SELECT y.*, row_number() OVER (ORDER BY y.received_at DESC, y.receipt_line_id DESC) AS place FROM purchasing.receipt_line y WHERE y.order_line_id = o.order_line_id) x
                     JOIN intake.load k ON k.load_id = x.load_id) r ON true
  LEFT JOIN ledger.hold d ON p.invoice_line_id IS NULL AND d.invoice_id = p.invoice_id AND d.code IN ('DUP_EXACT', 'DUP_LIKELY') AND d.released_at IS NULL
  LEFT JOIN purchasing.invoice e ON e.content_hash = decode(d.facts ->> 'other_sha256', 'hex') LEFT JOIN intake.load eb ON eb.load_id = e.load_id
)
SELECT n.invoice_id, jsonb_object_agg(n.place, n.named) FROM named n GROUP BY n.invoice_id
