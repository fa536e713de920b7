-- A year's facts by arithmetic: :lines invoice lines on as many order lines, 94 % clean, the rest over quantity, over
-- price, without a receipt or without an order. Three lines per invoice, one receipt per order line.
INSERT INTO purchasing.supplier (supplier_id, name, supplier_group, blocked, content_hash, load_id)
SELECT 'S' || n, 'Supplier ' || n, 'S' || n, false, sha256(n::text::bytea), 1 FROM generate_series(0, 999) n;
INSERT INTO purchasing.order_line (entity, po_number, po_line, supplier_id, currency, item, category, quantity, uom, unit_price, match_type, gr_based, closed, approved, version, content_hash, load_id)
SELECT '1000', 'PO' || n / 3, (n % 3 + 1)::text, 'S' || n / 3 % 1000, 'EUR', 'I' || n % 5000, 'C' || n % 20, 10 + n % 90, 'EA', 1 + (n % 1000) / 10.0, 3, false, false, true, 1, sha256(n::text::bytea), 1
FROM generate_series(0, :lines - 1) n;
INSERT INTO purchasing.receipt_line (entity, receipt_number, receipt_line, po_number, po_line_key, order_line_id, quantity, value_known, received_at, content_hash, load_id)
SELECT '1000', 'GR' || o.order_line_id, '1', o.po_number, o.po_line_key, o.order_line_id, o.quantity, false, '2026-11-02', o.content_hash, 1
FROM purchasing.order_line o WHERE o.order_line_id % 50 <> 0;
INSERT INTO purchasing.invoice (entity, content_hash, syntax, kind, invoice_number, invoice_date, currency, supplier_id, supplier_group, line_total, allowance_total, charge_total, net_total, tax_total,
  gross_total, prepaid_total, rounding_amount, payable_total, duplicates_evaluable, received_at, load_id)
SELECT '1000', sha256(('i' || n)::bytea), 'bench', 'invoice', 'RE' || n || 'X' || n * 37 % 1009, date '2026-01-01' + (n % 300), 'EUR', 'S' || n % 1000, 'S' || n % 1000, t.net, 0, 0, t.net, 0, t.net, 0, 0, t.net, true, '2026-11-02', 1
FROM generate_series(0, :lines / 3 - 1) n
CROSS JOIN LATERAL (SELECT sum(round((10 + m % 90 + CASE WHEN m % 50 = 7 THEN 1 ELSE 0 END) * (1 + (m % 1000) / 10.0) * CASE WHEN m % 50 = 9 THEN 1.05 ELSE 1 END, 2)) AS net FROM generate_series(n * 3, n * 3 + 2) m) t;
INSERT INTO purchasing.invoice_line (invoice_id, position, line_id, po_number, po_line_key, order_line_id, quantity, uom, unit_price, price_base_quantity, net_amount, allowance_total, charge_total)
SELECT i.invoice_id, n % 3 + 1, (n % 3 + 1)::text, 'PO' || n / 3, (n % 3 + 1)::text, o.order_line_id, q.quantity, 'EA', q.price, 1, round(q.quantity * q.price, 2), 0, 0
FROM generate_series(0, :lines / 3 * 3 - 1) n
JOIN purchasing.invoice i ON i.content_hash = sha256(('i' || n / 3)::bytea)
CROSS JOIN LATERAL (SELECT 10 + n % 90 + CASE WHEN n % 50 = 7 THEN 1 ELSE 0 END AS quantity, (1 + (n % 1000) / 10.0) * CASE WHEN n % 50 = 9 THEN 1.05 ELSE 1 END AS price) q
LEFT JOIN purchasing.order_line o ON o.content_hash = sha256(n::text::bytea) AND n % 50 <> 11;
INSERT INTO ledger.match_queue (invoice_id) SELECT invoice_id FROM purchasing.invoice;
ANALYZE;
