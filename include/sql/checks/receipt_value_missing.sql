-- Readable receipts that claim a known value and state none.
defects IS NULL AND value_known AND received_value IS NULL
