-- Rows whose line number differs from another one of the same order only in leading zeros.
EXISTS (
  SELECT FROM intake.gate_orders AS twin
  WHERE twin.entity = this_row.entity AND twin.po_number = this_row.po_number
    AND twin.po_line <> this_row.po_line AND ltrim(twin.po_line, '0') = ltrim(this_row.po_line, '0')
)
OR EXISTS (
  SELECT FROM purchasing.order_line AS known
  WHERE known.entity = this_row.entity AND known.po_number = this_row.po_number
    AND known.po_line <> this_row.po_line AND known.po_line_key = ltrim(this_row.po_line, '0')
)
