-- Lines that share their place in the document with another line.
position IS NOT NULL AND (invoice_row_no, position) IN (
  SELECT twin.invoice_row_no, twin.position FROM intake.gate_invoice_lines AS twin
  GROUP BY twin.invoice_row_no, twin.position HAVING count(*) > 1
)
