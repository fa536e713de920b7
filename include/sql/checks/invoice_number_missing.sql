-- Readable rows without invoice_number; a row with defects is set aside for those.
defects IS NULL AND invoice_number IS NULL
