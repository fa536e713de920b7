-- Readable rows without syntax; a row with defects is set aside for those.
defects IS NULL AND syntax IS NULL
