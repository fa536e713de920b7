-- Readable rows without blocked; a row with defects is set aside for those.
defects IS NULL AND blocked IS NULL
