-- Readable order lines by quantity without unit_price.
defects IS NULL AND NOT amount_based AND unit_price IS NULL
