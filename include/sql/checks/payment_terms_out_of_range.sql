-- Rows whose payment terms are negative or longer than a year.
payment_terms_days < 0 OR payment_terms_days > 366
