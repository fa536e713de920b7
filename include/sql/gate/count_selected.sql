-- How many rows does the gate look at, and how many of them does each condition select?
-- One row: the number of rows, then one count per condition, in a single pass.
SELECT {counts}
FROM intake.{view} AS this_row
