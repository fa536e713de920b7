-- Rows with a fraction in an amount of a currency that has none.
fractional_currency = ANY (%(whole_currencies)s)
