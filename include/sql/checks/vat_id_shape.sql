-- Rows whose VAT number has not the shape of one.
vat_id !~ '^[A-Z]{2}[A-Z0-9+*.]{2,13}$'
