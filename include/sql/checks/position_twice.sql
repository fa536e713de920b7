-- Lines that share their place in the document with another line.
position IS NOT NULL AND (invoice_row_no, position) IN (
  SELECT twin.invoice_row_no, twin.position
  FROM intake.stage_invoice_line AS twin WHERE twin.load_id = intake.this_load()
  GROUP BY 1, 2 HAVING count(*) > 1
)
