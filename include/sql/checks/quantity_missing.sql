-- Readable rows without quantity; a row with defects is set aside for those.
defects IS NULL AND quantity IS NULL
