-- Sets aside rows that could not be read in full, in the reader's own words: which field, what stood there, why not.
-- One finding per row, for its first defect; all of them stay with the row.
INSERT INTO intake.finding (load_id, dataset, row_no, check_id, severity, reason, field, value)
SELECT this_row.load_id, %(dataset)s, this_row.row_no, %(check_id)s, %(severity)s,
       coalesce(first_defect ->> 'field' || ': ', '') || coalesce(first_defect ->> 'reason', %(reason)s),
       first_defect ->> 'field',
       left(first_defect ->> 'value', 200)
FROM intake.{view} AS this_row
CROSS JOIN LATERAL (
  SELECT CASE jsonb_typeof(this_row.defects) WHEN 'array' THEN this_row.defects -> 0 ELSE this_row.defects END AS first_defect
) AS named
WHERE ({condition}
)
ON CONFLICT (load_id, dataset, row_no, check_id) DO NOTHING
