-- Readable documents without a line.
defects IS NULL AND line_count_staged < 1
