-- Readable rows without name; a row with defects is set aside for those.
defects IS NULL AND name IS NULL
