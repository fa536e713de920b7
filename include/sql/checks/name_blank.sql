-- Rows whose name is blank.
name !~ '[^[:space:]]'
