-- Readable rows without net_total; a row with defects is set aside for those.
defects IS NULL AND net_total IS NULL
