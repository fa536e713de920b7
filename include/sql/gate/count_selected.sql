-- How many rows of the load does a condition select?
-- One row.
SELECT count(*)
FROM intake.{view} AS this_row
WHERE ({condition}
)
