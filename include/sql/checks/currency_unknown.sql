-- Rows whose currency is no active ISO 4217 code.
currency <> ALL (%(currencies)s)
