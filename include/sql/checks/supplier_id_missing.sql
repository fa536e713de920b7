-- Readable rows without supplier_id; a row with defects is set aside for those.
defects IS NULL AND supplier_id IS NULL
