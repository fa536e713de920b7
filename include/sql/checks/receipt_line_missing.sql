-- Readable rows without receipt_line; a row with defects is set aside for those.
defects IS NULL AND receipt_line IS NULL
