-- Readable rows without kind; a row with defects is set aside for those.
defects IS NULL AND kind IS NULL
