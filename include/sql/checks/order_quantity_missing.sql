-- Readable order lines by quantity without quantity.
defects IS NULL AND NOT amount_based AND quantity IS NULL
