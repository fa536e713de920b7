-- Readable rows without position; a row with defects is set aside for those.
defects IS NULL AND position IS NULL
