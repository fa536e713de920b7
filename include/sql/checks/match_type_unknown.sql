-- Rows whose match type is neither 2 nor 3.
match_type NOT IN (2, 3)
