-- Readable rows without received_at; a row with defects is set aside for those.
defects IS NULL AND received_at IS NULL
