-- Readable rows without payable_total; a row with defects is set aside for those.
defects IS NULL AND payable_total IS NULL
