-- Rows with an amount of more than two decimals.
amounts_beyond_cents IS NOT NULL
