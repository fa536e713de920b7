-- How many rows does a gate look at?
-- One row.
SELECT count(*) FROM intake.{view}
