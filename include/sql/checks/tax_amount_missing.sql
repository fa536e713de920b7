-- Readable rows without tax_amount; a row with defects is set aside for those.
defects IS NULL AND tax_amount IS NULL
