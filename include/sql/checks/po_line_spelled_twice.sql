-- Rows whose line number differs from another one of the same order only in leading zeros.
row_no IN (
  SELECT twin.row_no FROM (
    SELECT g.row_no, min(g.po_line) OVER same_line <> max(g.po_line) OVER same_line AS differs
    FROM intake.gate_orders AS g
    WHERE g.entity IS NOT NULL AND g.po_number IS NOT NULL AND g.po_line IS NOT NULL
    WINDOW same_line AS (PARTITION BY g.entity, g.po_number, ltrim(g.po_line, '0'))
  ) AS twin WHERE twin.differs
)
OR EXISTS (
  SELECT FROM purchasing.order_line AS known
  WHERE known.entity = this_row.entity AND known.po_number = this_row.po_number
    AND known.po_line <> this_row.po_line AND known.po_line_key = ltrim(this_row.po_line, '0')
)
