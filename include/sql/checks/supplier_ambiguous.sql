-- Rows whose supplier number another row of the load has too, with other content and no later date.
EXISTS (
  SELECT FROM intake.gate_suppliers AS twin
  WHERE twin.supplier_id = this_row.supplier_id
    AND twin.row_no <> this_row.row_no AND twin.content_hash <> this_row.content_hash
    AND twin.updated_at IS NOT DISTINCT FROM this_row.updated_at
)
