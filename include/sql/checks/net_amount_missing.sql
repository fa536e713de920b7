-- Readable rows without net_amount; a row with defects is set aside for those.
defects IS NULL AND net_amount IS NULL
