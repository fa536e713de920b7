-- Readable rows without status; a row with defects is set aside for those.
defects IS NULL AND status IS NULL
