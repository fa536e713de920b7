-- Readable rows without po_line; a row with defects is set aside for those.
defects IS NULL AND po_line IS NULL
