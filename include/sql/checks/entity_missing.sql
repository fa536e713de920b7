-- Readable rows without entity; a row with defects is set aside for those.
defects IS NULL AND entity IS NULL
