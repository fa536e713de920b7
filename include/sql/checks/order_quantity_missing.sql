-- Readable order lines by quantity that have none.
defects IS NULL AND amount_based IS NOT TRUE AND quantity IS NULL
