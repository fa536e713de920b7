-- Readable rows without taxable_amount; a row with defects is set aside for those.
defects IS NULL AND taxable_amount IS NULL
