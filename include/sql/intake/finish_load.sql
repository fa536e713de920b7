-- Question: does what was staged tie to the source's own count and total? Raises BO500 if not, BO503 if its clock is ahead.
-- Grain: one row, empty.
SELECT intake.finish_load(%s, %s, %s, %s)
