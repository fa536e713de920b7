-- Readable order lines by quantity that have no unit.
defects IS NULL AND amount_based IS NOT TRUE AND uom IS NULL
