-- Question: do the totals and the tax of each document tie, and can the built checks judge it at all?
-- Grain: one row per document of the working set.
-- EN 16931 BR-CO-10 and 13 to 16, each side after round(x * 100) / 100 with halves towards +infinity.
DROP TABLE IF EXISTS ledger.work_doubtful;
CREATE UNLOGGED TABLE ledger.work_doubtful AS
WITH line_sum AS (
  SELECT l.invoice_id, sum(l.net_amount) AS net, bool_or(l.taxed) AS taxed FROM work_line l GROUP BY l.invoice_id
), odd_line AS (
  SELECT l.invoice_id, string_agg(DISTINCT l.unjudged, ', ') AS why, bool_or(l.currency_diff) AS order_in_other_currency
  FROM work_line l WHERE l.unjudged IS NOT NULL OR l.currency_diff GROUP BY l.invoice_id
), tax_sum AS (
  SELECT x.invoice_id, sum(x.tax_amount) AS tax, sum(x.taxable_amount) AS taxable, bool_or(x.category NOT IN ('S', 'Z', 'E')) AS odd
  FROM work_invoice w JOIN invoice_tax x ON x.invoice_id = w.invoice_id GROUP BY x.invoice_id
), tax_row AS (
  SELECT DISTINCT ON (x.invoice_id) x.invoice_id, abs(x.tax_amount * 100 - x.taxable_amount * x.rate) AS off100,
         jsonb_build_object('category', x.category, 'rate', trim_scale(x.rate)::text, 'taxable', trim_scale(x.taxable_amount)::text, 'tax', trim_scale(x.tax_amount)::text) AS facts
  FROM work_invoice w JOIN invoice_tax x ON x.invoice_id = w.invoice_id
  JOIN work_document_limit m ON m.entity = w.entity AND m.code = 'TAX_TOTAL'
  WHERE abs(x.tax_amount * 100 - x.taxable_amount * x.rate) > m.up_abs * 100
  ORDER BY x.invoice_id, off100 DESC, x.position
)
-- whatever ties to the last digit and has nothing out of the ordinary is not looked at further
  SELECT i.invoice_id, ls.net, ls.taxed, coalesce(ts.tax, 0) AS tax, ts.odd AS odd_tax, ts.taxable, ol.why AS odd_line, ol.order_in_other_currency,
         s.supplier_id IS NOT NULL AND s.blocked IS NOT FALSE AS blocked, upper(replace(i.payee_iban, ' ', '')) <> upper(replace(s.iban, ' ', '')) AS other_account,
         x.off100 AS tax_off100, x.facts AS tax_facts
  FROM work_invoice w JOIN invoice i ON i.invoice_id = w.invoice_id JOIN ops.entity e ON e.entity = i.entity
  JOIN line_sum ls ON ls.invoice_id = i.invoice_id
  LEFT JOIN odd_line ol ON ol.invoice_id = i.invoice_id
  LEFT JOIN tax_sum ts ON ts.invoice_id = i.invoice_id LEFT JOIN supplier s ON s.supplier_id = i.supplier_id LEFT JOIN tax_row x ON x.invoice_id = i.invoice_id
  WHERE i.line_total IS DISTINCT FROM ls.net OR i.net_total <> i.line_total OR i.gross_total <> i.net_total + i.tax_total OR i.payable_total <> i.gross_total
     OR i.tax_total <> coalesce(ts.tax, 0) OR ts.taxable <> ls.net OR ts.taxable IS NULL AND ls.taxed OR i.allowance_total <> 0 OR i.charge_total <> 0 OR i.prepaid_total <> 0
     OR i.rounding_amount <> 0 OR i.gross_total < 0 OR ol.invoice_id IS NOT NULL OR ts.odd OR s.blocked IS NOT FALSE OR i.type_code NOT IN ('380', '381')
     OR i.payee_iban <> s.iban OR i.currency <> e.ledger_currency OR x.invoice_id IS NOT NULL;
ANALYZE work_doubtful;

WITH totals AS (
  SELECT i.invoice_id, i.entity, d.tax_off100, d.tax_facts,
         abs(floor(d.net * 100 + 0.5) - floor(i.line_total * 100 + 0.5)) AS br10,
         abs(floor(i.net_total * 100 + 0.5) - floor((i.line_total - i.allowance_total + i.charge_total) * 100 + 0.5)) AS br13,
         abs(floor(i.tax_total * 100 + 0.5) - floor(d.tax * 100 + 0.5)) AS br14,
         abs(floor(i.gross_total * 100 + 0.5) - floor((i.net_total + i.tax_total) * 100 + 0.5)) AS br15,
         abs(floor(i.payable_total * 100 + 0.5) - floor((i.gross_total - i.prepaid_total + i.rounding_amount) * 100 + 0.5)) AS br16,
         concat_ws(', ',
           CASE WHEN i.currency <> e.ledger_currency AND d.order_in_other_currency IS NOT TRUE THEN 'no exchange rate from ' || i.currency || ' to ' || e.ledger_currency END,
           CASE WHEN i.allowance_total <> 0 THEN 'allowance on the whole document' END,
           CASE WHEN i.charge_total <> 0 THEN 'charge on the whole document' END,
           CASE WHEN i.prepaid_total <> 0 THEN 'prepayment' END,
           CASE WHEN i.rounding_amount <> 0 THEN 'rounding amount' END,
           CASE WHEN d.odd_tax THEN 'tax category without a built rule' END,
           CASE WHEN i.type_code NOT IN ('380', '381') THEN 'document type ' || i.type_code END,
           CASE WHEN i.gross_total < 0 THEN 'negative total' END,
           d.odd_line,
           -- a source without tax at all (an extract) has nothing to compare
           CASE WHEN d.taxable <> d.net - i.allowance_total + i.charge_total THEN 'tax breakdown on another amount than the lines'
                WHEN d.taxable IS NULL AND d.taxed AND i.net_total <> 0 THEN 'no tax breakdown' END,
           CASE WHEN d.other_account THEN 'account to be paid is not the supplier''s' END,
           CASE WHEN d.blocked THEN 'supplier is blocked or may be' END) AS why
  FROM work_doubtful d JOIN invoice i ON i.invoice_id = d.invoice_id JOIN ops.entity e ON e.entity = i.entity
)
UPDATE work_invoice w SET
  total_arith = nullif(concat_ws(', ', CASE WHEN t.br10 > m.up_abs * 100 THEN 'BR-CO-10' END, CASE WHEN t.br13 > m.up_abs * 100 THEN 'BR-CO-13' END,
    CASE WHEN t.br14 > m.up_abs * 100 THEN 'BR-CO-14' END, CASE WHEN t.br15 > m.up_abs * 100 THEN 'BR-CO-15' END, CASE WHEN t.br16 > m.up_abs * 100 THEN 'BR-CO-16' END), ''),
  total_arith_off = greatest(t.br10, t.br13, t.br14, t.br15, t.br16) * 0.01, total_arith_limit = m.up_abs,
  tax_off = t.tax_off100 * 0.01, tax_limit = (SELECT v.up_abs FROM work_document_limit v WHERE v.entity = t.entity AND v.code = 'TAX_TOTAL'), tax_facts = t.tax_facts,
  not_evaluable = nullif(t.why, '')
FROM totals t
LEFT JOIN work_document_limit m ON m.entity = t.entity AND m.code = 'TOTAL_ARITH'
WHERE w.invoice_id = t.invoice_id
  AND (greatest(t.br10, t.br13, t.br14, t.br15, t.br16) > 0 OR t.tax_facts IS NOT NULL OR t.why <> '');
