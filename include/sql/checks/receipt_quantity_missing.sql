-- Readable receipts of a live warehouse that have no quantity; an extract may receive by value.
defects IS NULL AND NOT order_required AND quantity IS NULL
