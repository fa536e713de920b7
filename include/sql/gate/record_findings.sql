-- Sets aside what one check found: every row of the load that its condition selects.
-- One finding per row and check; a gate that runs again finds its own and adds none.
INSERT INTO intake.finding (load_id, dataset, row_no, check_id, severity, reason, field, value)
SELECT this_row.load_id, %(dataset)s, this_row.row_no, %(check_id)s, %(severity)s, %(reason)s, %(field)s,
       left(this_row.{field}::text, 200)
FROM intake.{view} AS this_row
WHERE ({condition}
)
ON CONFLICT (load_id, dataset, row_no, check_id) DO NOTHING
