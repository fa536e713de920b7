-- Readable rows without amount_based; a row with defects is set aside for those.
defects IS NULL AND amount_based IS NULL
