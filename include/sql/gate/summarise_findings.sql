-- How many rows of this load were set aside, and how many carry a warning?
-- One row.
SELECT count(DISTINCT (dataset, row_no)) FILTER (WHERE severity = 'quarantine') AS quarantined_rows,
       count(DISTINCT (dataset, row_no)) FILTER (WHERE severity = 'warn') AS warned_rows
FROM intake.finding
WHERE load_id = %(load_id)s
