-- Readable order lines by quantity that have no price.
defects IS NULL AND amount_based IS NOT TRUE AND unit_price IS NULL
