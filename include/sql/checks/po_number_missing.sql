-- Readable rows without po_number; a row with defects is set aside for those.
defects IS NULL AND po_number IS NULL
