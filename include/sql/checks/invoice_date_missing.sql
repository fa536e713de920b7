-- Readable rows without invoice_date; a row with defects is set aside for those.
defects IS NULL AND invoice_date IS NULL
