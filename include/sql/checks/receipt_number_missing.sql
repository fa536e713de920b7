-- Readable rows without receipt_number; a row with defects is set aside for those.
defects IS NULL AND receipt_number IS NULL
