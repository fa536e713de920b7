-- Rows whose line number differs from another one of the same order only in leading zeros.
(entity, po_number, ltrim(po_line, '0')) IN (
  SELECT twin.entity, twin.po_number, ltrim(twin.po_line, '0')
  FROM intake.stage_order_line AS twin WHERE twin.load_id = intake.this_load()
  GROUP BY 1, 2, 3 HAVING count(DISTINCT twin.po_line) > 1
)
OR EXISTS (
  SELECT FROM purchasing.order_line AS known
  WHERE known.entity = this_row.entity AND known.po_number = this_row.po_number
    AND known.po_line <> this_row.po_line AND known.po_line_key = ltrim(this_row.po_line, '0')
)
