-- Readable rows without match_type; a row with defects is set aside for those.
defects IS NULL AND match_type IS NULL
