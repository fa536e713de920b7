-- Readable rows without gross_total; a row with defects is set aside for those.
defects IS NULL AND gross_total IS NULL
