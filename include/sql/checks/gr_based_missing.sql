-- Readable rows without gr_based; a row with defects is set aside for those.
defects IS NULL AND gr_based IS NULL
