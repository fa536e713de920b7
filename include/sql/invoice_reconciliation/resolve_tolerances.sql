-- Question: which limits apply? Per field the most specific scope that says something wins (order line, supplier and item,
-- supplier, category, entity, default); several rows of one scope: the one in force since latest.
-- Grain: one row per entity (negative id), and one per order line of the working set that a narrower scope touches.
WITH in_force AS (
  SELECT t.* FROM tolerance t
  WHERE t.tolerance_set = tolerances AND t.effective_from <= business_day AND (t.effective_to IS NULL OR t.effective_to >= business_day)
), wide AS (
  SELECT -row_number() OVER (ORDER BY e.entity) AS tolerance_id, e.entity AS scope, e.entity, NULL::bigint AS order_line_id FROM ops.entity e
), touched AS (
  SELECT DISTINCT l.order_line_id FROM work_invoice w JOIN invoice_line l ON l.invoice_id = w.invoice_id
  WHERE l.order_line_id IS NOT NULL AND EXISTS (SELECT FROM in_force WHERE scope_rank < 5)
), narrow AS (
  SELECT DISTINCT o.order_line_id AS tolerance_id, 'line ' || o.po_number || '/' || o.po_line AS scope, o.entity, o.order_line_id
  FROM touched d JOIN order_line o ON o.order_line_id = d.order_line_id
  JOIN in_force t ON t.scope_rank < 5 AND (t.entity IS NULL OR t.entity = o.entity) AND (t.category IS NULL OR t.category = o.category)
    AND (t.supplier_id IS NULL OR t.supplier_id = o.supplier_id) AND (t.item IS NULL OR t.item = o.item)
    AND (t.po_number IS NULL OR (t.po_number = o.po_number AND t.po_line_key = o.po_line_key))
), applies AS (
  SELECT p.tolerance_id, p.scope, t.code, t.scope_rank, t.effective_from, t.tolerance_id AS tie, t.up_pct, t.up_abs, t.combine
  FROM (SELECT * FROM wide UNION ALL SELECT * FROM narrow) p
  LEFT JOIN order_line o ON o.order_line_id = p.order_line_id
  JOIN in_force t ON (t.entity IS NULL OR t.entity = p.entity)
    AND (p.order_line_id IS NOT NULL OR t.scope_rank >= 5) AND (t.category IS NULL OR t.category = o.category)
    AND (t.supplier_id IS NULL OR t.supplier_id = o.supplier_id) AND (t.item IS NULL OR t.item = o.item)
    AND (t.po_number IS NULL OR (t.po_number = o.po_number AND t.po_line_key = o.po_line_key))
), resolved AS (
  SELECT tolerance_id, scope, code,
         (array_agg(up_pct ORDER BY scope_rank, effective_from DESC, tie DESC) FILTER (WHERE up_pct IS NOT NULL))[1] AS pct,
         (array_agg(up_abs ORDER BY scope_rank, effective_from DESC, tie DESC) FILTER (WHERE up_abs IS NOT NULL))[1] AS abs,
         coalesce((array_agg(combine ORDER BY scope_rank, effective_from DESC, tie DESC) FILTER (WHERE combine IS NOT NULL))[1], 'strictest') = 'lenient' AS lenient
  FROM applies GROUP BY tolerance_id, scope, code
)
INSERT INTO work_tolerance
SELECT p.tolerance_id, p.scope,
  max(r.pct) FILTER (WHERE r.code = 'QTY_ORD'), max(r.abs) FILTER (WHERE r.code = 'QTY_ORD'), coalesce(bool_or(r.lenient) FILTER (WHERE r.code = 'QTY_ORD'), false),
  max(r.pct) FILTER (WHERE r.code = 'QTY_REC'), max(r.abs) FILTER (WHERE r.code = 'QTY_REC'), coalesce(bool_or(r.lenient) FILTER (WHERE r.code = 'QTY_REC'), false),
  max(r.pct) FILTER (WHERE r.code = 'AMT_REC'), max(r.abs) FILTER (WHERE r.code = 'AMT_REC'), coalesce(bool_or(r.lenient) FILTER (WHERE r.code = 'AMT_REC'), false),
  max(r.abs) FILTER (WHERE r.code = 'NO_RECEIPT'),
  max(r.pct) FILTER (WHERE r.code = 'PRICE'), max(r.abs) FILTER (WHERE r.code = 'PRICE'), coalesce(bool_or(r.lenient) FILTER (WHERE r.code = 'PRICE'), false),
  max(r.abs) FILTER (WHERE r.code = 'CREDIT_EXCESS'), max(r.abs) FILTER (WHERE r.code = 'LINE_ARITH')
FROM (SELECT tolerance_id, scope FROM wide UNION ALL SELECT tolerance_id, scope FROM narrow) p
LEFT JOIN resolved r ON r.tolerance_id = p.tolerance_id
GROUP BY p.tolerance_id, p.scope;

-- Limits of whole documents: those of the entity, else in general.
INSERT INTO work_document_limit (entity, code, up_abs)
SELECT DISTINCT ON (e.entity, t.code) e.entity, t.code, t.up_abs
FROM ops.entity e JOIN tolerance t ON (t.entity = e.entity OR t.scope_rank = 6) AND t.scope_rank >= 5
WHERE t.tolerance_set = tolerances AND t.code IN ('TOTAL_ARITH', 'TAX_TOTAL') AND t.up_abs IS NOT NULL
  AND t.effective_from <= business_day AND (t.effective_to IS NULL OR t.effective_to >= business_day)
ORDER BY e.entity, t.code, t.scope_rank, t.effective_from DESC, t.tolerance_id DESC;
