-- Rows of which a value, or the whole, could not be read.
defects IS NOT NULL
