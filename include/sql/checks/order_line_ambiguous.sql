-- Rows whose order line another row of the load has too, with other content and no later version.
EXISTS (
  SELECT FROM intake.gate_orders AS twin
  WHERE twin.entity = this_row.entity AND twin.po_number = this_row.po_number AND twin.po_line = this_row.po_line
    AND twin.row_no <> this_row.row_no AND twin.content_hash <> this_row.content_hash
    AND twin.version IS NOT DISTINCT FROM this_row.version AND twin.updated_at IS NOT DISTINCT FROM this_row.updated_at
)
