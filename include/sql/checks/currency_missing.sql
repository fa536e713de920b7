-- Readable rows without currency; a row with defects is set aside for those.
defects IS NULL AND currency IS NULL
