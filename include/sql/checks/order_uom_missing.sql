-- Readable order lines by quantity without uom.
defects IS NULL AND NOT amount_based AND uom IS NULL
