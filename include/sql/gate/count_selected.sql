-- How many rows of the load does each condition select?
-- One row, one count per condition, in a single pass.
SELECT {counts}
FROM intake.{view} AS this_row
