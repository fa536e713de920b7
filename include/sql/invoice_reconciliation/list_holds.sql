-- Question: which holds stand on the working set, with what was measured, against which limit, on which facts?
-- Grain: one row per document or line and code. Rounding here is for display; the verdict compared exactly.
DROP TABLE IF EXISTS ledger.work_hold;
CREATE UNLOGGED TABLE ledger.work_hold AS
WITH coded AS (
  SELECT v.invoice_id, v.invoice_line_id, v.order_line_id, listed.code, w.tolerance_id, v.document_value, v.value_after, v.credited_value, v.billed_value,
         v.document_quantity / w.quantity_scale AS document_quantity, v.quantity_after / w.quantity_scale AS quantity_after,
         v.credited_quantity / w.quantity_scale AS credited_quantity, v.billed_quantity / w.quantity_scale AS billed_quantity
  FROM work_verdict v
  JOIN work_line w ON w.invoice_line_id = v.invoice_line_id
  CROSS JOIN LATERAL (VALUES
    (w.order_gate, w.order_gate IS NOT NULL), ('SUPPLIER_MISMATCH', w.supplier_mismatch), ('CURRENCY_DIFF', w.currency_diff),
    ('PO_NOT_APPROVED', w.po_not_approved), ('PO_CLOSED', w.po_closed), ('UOM_UNMAPPED', w.uom_unmapped), ('QTY_ORD', v.qty_ord),
    ('QTY_REC', v.qty_rec), ('AMT_REC', v.amt_rec), ('NO_RECEIPT', v.no_receipt), ('PRICE', v.price), ('CREDIT_EXCESS', v.credit_excess),
    ('LINE_ARITH', w.line_arith)) AS listed(code, stands)
  WHERE listed.stands
), placed AS (
  SELECT c.*, l.quantity, l.uom, l.net_amount, l.unit_price, l.price_base_quantity, l.po_number, l.po_line_key, l.line_id, l.position,
         l.allowance_total, l.charge_total, i.supplier_id AS invoice_supplier, i.seller_name, i.currency AS invoice_currency,
         o.quantity AS ordered, o.uom AS order_uom, o.unit_price AS order_price, o.price_base_quantity AS order_base, o.supplier_id AS order_supplier,
         o.currency AS order_currency, o.po_line, o.received_quantity AS received, o.received_value, o.receipts, o.unknown_receipts, o.gr_based,
         o.amount_based, t.scope, t.qty_ord_pct, t.qty_ord_abs, t.qty_rec_pct, t.qty_rec_abs, t.amt_rec_pct, t.amt_rec_abs, t.no_receipt_abs, t.price_pct, t.price_abs,
         t.credit_excess_abs, t.line_arith_abs
  FROM coded c
  JOIN invoice_line l ON l.invoice_line_id = c.invoice_line_id
  JOIN invoice i ON i.invoice_id = c.invoice_id
  JOIN work_tolerance t ON t.tolerance_id = c.tolerance_id
  LEFT JOIN order_line o ON o.order_line_id = c.order_line_id
), listed AS (
SELECT p.invoice_id, p.invoice_line_id, p.code, CASE WHEN p.code = 'NO_RECEIPT' AND p.gr_based THEN 'B' ELSE h.effect END AS effect,
  CASE p.code
    WHEN 'QTY_ORD' THEN p.quantity_after - p.ordered
    WHEN 'QTY_REC' THEN p.quantity_after - p.received
    WHEN 'AMT_REC' THEN p.value_after - p.received_value
    WHEN 'NO_RECEIPT' THEN CASE WHEN p.amount_based THEN p.value_after ELSE p.order_price * p.quantity_after / p.order_base END
    WHEN 'PRICE' THEN abs(p.document_value - p.document_quantity * p.order_price / p.order_base)
    WHEN 'CREDIT_EXCESS' THEN CASE WHEN NOT p.amount_based AND p.credited_quantity > p.billed_quantity + p.credit_excess_abs THEN p.credited_quantity - p.billed_quantity
                                   ELSE p.credited_value - p.billed_value END
    WHEN 'LINE_ARITH' THEN abs(p.net_amount - (p.quantity * p.unit_price / p.price_base_quantity + p.charge_total - p.allowance_total)) END AS measured,
  CASE p.code WHEN 'QTY_ORD' THEN p.qty_ord_abs WHEN 'QTY_REC' THEN p.qty_rec_abs WHEN 'AMT_REC' THEN p.amt_rec_abs WHEN 'NO_RECEIPT' THEN p.no_receipt_abs
    WHEN 'PRICE' THEN p.price_abs WHEN 'CREDIT_EXCESS' THEN p.credit_excess_abs WHEN 'LINE_ARITH' THEN p.line_arith_abs END AS limit_value,
  h.limit_unit, p.scope,
  jsonb_strip_nulls(jsonb_build_object('line_id', p.line_id, 'po_number', p.po_number, 'po_line', coalesce(p.po_line, p.po_line_key)) || CASE
    WHEN p.code IN ('QTY_ORD', 'QTY_REC', 'NO_RECEIPT') THEN jsonb_build_object('billed_after', trim_scale(round(p.quantity_after, 4))::text,
      'quantity', trim_scale(p.quantity)::text, 'ordered', trim_scale(p.ordered)::text, 'received', trim_scale(p.received)::text, 'order_uom', p.order_uom,
      'order_price', trim_scale(p.order_price)::text, 'currency', p.order_currency,
      'limit_pct', trim_scale(CASE p.code WHEN 'QTY_ORD' THEN p.qty_ord_pct WHEN 'QTY_REC' THEN p.qty_rec_pct END)::text)
    WHEN p.code = 'AMT_REC' THEN jsonb_build_object('billed_after', trim_scale(p.value_after)::text, 'received', trim_scale(p.received_value)::text,
      'unknown_receipts', p.unknown_receipts::text, 'currency', p.order_currency, 'limit_pct', trim_scale(p.amt_rec_pct)::text)
    WHEN p.code = 'PRICE' THEN jsonb_build_object('net_amount', trim_scale(p.document_value)::text, 'quantity', trim_scale(round(p.document_quantity, 4))::text,
      'order_uom', p.order_uom, 'order_price', trim_scale(p.order_price)::text, 'price_base_quantity', trim_scale(p.order_base)::text,
      'reference_amount', trim_scale(round(p.document_quantity * p.order_price / p.order_base, 4))::text,
      'limit_pct', trim_scale(p.price_pct)::text, 'limit_abs', trim_scale(p.price_abs)::text, 'currency', p.order_currency)
    WHEN p.code = 'SUPPLIER_MISMATCH' THEN jsonb_build_object('invoice_supplier', coalesce(p.invoice_supplier, p.seller_name, 'an unknown supplier'), 'order_supplier', p.order_supplier)
    WHEN p.code = 'CURRENCY_DIFF' THEN jsonb_build_object('invoice_currency', p.invoice_currency, 'order_currency', p.order_currency)
    WHEN p.code = 'UOM_UNMAPPED' THEN jsonb_build_object('invoice_uom', coalesce(p.uom, 'no unit'), 'order_uom', p.order_uom)
    WHEN p.code = 'CREDIT_EXCESS' THEN jsonb_build_object(
      'credited_after', trim_scale(CASE WHEN p.amount_based THEN p.credited_value ELSE round(p.credited_quantity, 4) END)::text,
      'billed', trim_scale(CASE WHEN p.amount_based THEN p.billed_value ELSE round(p.billed_quantity, 4) END)::text,
      'credited_value', trim_scale(p.credited_value)::text, 'billed_value', trim_scale(p.billed_value)::text)
    WHEN p.code = 'LINE_ARITH' THEN jsonb_build_object('net_amount', trim_scale(p.net_amount)::text,
      'expected', trim_scale(round((p.quantity * p.unit_price + (p.charge_total - p.allowance_total) * p.price_base_quantity) / p.price_base_quantity, 4))::text)
    ELSE '{}'::jsonb END) AS facts
FROM placed p JOIN hold_code h ON h.code = p.code
UNION ALL
SELECT w.invoice_id, NULL, 'TOTAL_ARITH', h.effect, w.total_arith_off, w.total_arith_limit, h.limit_unit, w.entity, jsonb_build_object('rules', w.total_arith)
FROM work_invoice w JOIN hold_code h ON h.code = 'TOTAL_ARITH' WHERE w.in_scope AND w.total_arith IS NOT NULL
UNION ALL
SELECT w.invoice_id, NULL, 'TAX_TOTAL', h.effect, w.tax_off, w.tax_limit, h.limit_unit, w.entity, w.tax_facts
FROM work_invoice w JOIN hold_code h ON h.code = 'TAX_TOTAL' WHERE w.in_scope AND w.tax_facts IS NOT NULL
UNION ALL
SELECT w.invoice_id, NULL, 'NOT_EVALUABLE', h.effect, NULL, NULL, NULL, w.entity, jsonb_build_object('why', w.not_evaluable)
FROM work_invoice w JOIN hold_code h ON h.code = 'NOT_EVALUABLE' WHERE w.in_scope AND w.not_evaluable IS NOT NULL
UNION ALL
SELECT w.invoice_id, NULL, w.duplicate, h.effect, NULL, NULL, NULL, w.entity,
       jsonb_build_object('other_number', e.invoice_number, 'other_date', e.invoice_date::text, 'other_gross', trim_scale(e.gross_total)::text || ' ' || e.currency,
                          'other_sha256', encode(e.content_hash, 'hex'))
FROM work_invoice w JOIN hold_code h ON h.code = w.duplicate JOIN invoice e ON e.invoice_id = w.other_invoice_id
WHERE w.in_scope
)
-- The hash that a manual release is bound to: the measured value, the limit and every fact, as text in key order.
SELECT h.invoice_id, h.invoice_line_id, h.code, h.effect, h.measured, h.limit_value, h.limit_unit, h.scope, h.facts,
  sha256(convert_to(concat_ws('|', h.code, h.effect, trim_scale(h.measured)::text, trim_scale(h.limit_value)::text, h.scope,
    (SELECT string_agg(f.key || '=' || f.value, '|' ORDER BY f.key COLLATE "C") FROM jsonb_each_text(h.facts) AS f)), 'UTF8')) AS evidence_hash
FROM listed h;
ANALYZE work_hold;
