-- Rows whose bank account has not the shape of an IBAN.
iban !~ '^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$'
