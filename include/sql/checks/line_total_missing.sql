-- Readable rows without line_total; a row with defects is set aside for those.
defects IS NULL AND line_total IS NULL
