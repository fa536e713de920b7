-- Question: which limits of quantity and received value apply to these order lines on this day?
-- Grain: one row per order line. Per field the most specific scope that says something wins, as in matching (resolve_tolerances).
WITH in_force AS MATERIALIZED (
  SELECT t.* FROM tolerance t
  WHERE t.tolerance_set = tolerances AND t.code IN ('QTY_ORD', 'QTY_REC', 'NO_RECEIPT', 'AMT_REC')
    AND t.effective_from <= on_day AND (t.effective_to IS NULL OR t.effective_to >= on_day)
), line AS (
  SELECT o.* FROM order_line o WHERE o.order_line_id = ANY (order_lines)
), narrow AS (  -- lines for which a scope below the company code says something
  SELECT DISTINCT o.order_line_id FROM line o
  JOIN in_force t ON t.scope_rank < 5 AND (t.entity IS NULL OR t.entity = o.entity) AND (t.category IS NULL OR t.category = o.category)
    AND (t.supplier_id IS NULL OR t.supplier_id = o.supplier_id) AND (t.item IS NULL OR t.item = o.item)
    AND (t.po_number IS NULL OR (t.po_number = o.po_number AND t.po_line_key = o.po_line_key))
), subject AS (  -- 0: every other line of the company code
  SELECT DISTINCT o.entity, 0::bigint AS narrow_id FROM line o
  UNION ALL
  SELECT o.entity, o.order_line_id FROM line o JOIN narrow n ON n.order_line_id = o.order_line_id
), resolved AS (
  SELECT s.entity, s.narrow_id, t.code,
         (array_agg(t.up_pct ORDER BY t.scope_rank, t.effective_from DESC, t.tolerance_id DESC) FILTER (WHERE t.up_pct IS NOT NULL))[1] AS pct,
         (array_agg(t.up_abs ORDER BY t.scope_rank, t.effective_from DESC, t.tolerance_id DESC) FILTER (WHERE t.up_abs IS NOT NULL))[1] AS abs,
         (array_agg(t.combine ORDER BY t.scope_rank, t.effective_from DESC, t.tolerance_id DESC) FILTER (WHERE t.combine IS NOT NULL))[1] = 'lenient' AS lenient
  FROM subject s LEFT JOIN line o ON o.order_line_id = s.narrow_id
  JOIN in_force t ON (t.entity IS NULL OR t.entity = s.entity) AND (s.narrow_id > 0 OR t.scope_rank >= 5) AND (t.category IS NULL OR t.category = o.category)
    AND (t.supplier_id IS NULL OR t.supplier_id = o.supplier_id) AND (t.item IS NULL OR t.item = o.item)
    AND (t.po_number IS NULL OR (t.po_number = o.po_number AND t.po_line_key = o.po_line_key))
  GROUP BY s.entity, s.narrow_id, t.code
), wide AS (
  SELECT s.entity, s.narrow_id,
    max(r.pct) FILTER (WHERE r.code = 'QTY_ORD') AS ordered_pct, max(r.abs) FILTER (WHERE r.code = 'QTY_ORD') AS ordered_abs, bool_or(r.lenient) FILTER (WHERE r.code = 'QTY_ORD') AS ordered_lenient,
    max(r.pct) FILTER (WHERE r.code = 'QTY_REC') AS received_pct, max(r.abs) FILTER (WHERE r.code = 'QTY_REC') AS received_abs, bool_or(r.lenient) FILTER (WHERE r.code = 'QTY_REC') AS received_lenient,
    max(r.pct) FILTER (WHERE r.code = 'AMT_REC') AS value_pct, max(r.abs) FILTER (WHERE r.code = 'AMT_REC') AS value_abs, bool_or(r.lenient) FILTER (WHERE r.code = 'AMT_REC') AS value_lenient,
    max(r.abs) FILTER (WHERE r.code = 'NO_RECEIPT') AS unreceived_abs
  FROM subject s LEFT JOIN resolved r ON r.entity = s.entity AND r.narrow_id = s.narrow_id
  GROUP BY s.entity, s.narrow_id
)
SELECT o.order_line_id, w.ordered_pct, w.ordered_abs, w.ordered_lenient, w.received_pct, w.received_abs, w.received_lenient, w.value_pct, w.value_abs, w.value_lenient, w.unreceived_abs
FROM line o LEFT JOIN narrow n ON n.order_line_id = o.order_line_id JOIN wide w ON w.entity = o.entity AND w.narrow_id = coalesce(n.order_line_id, 0)
