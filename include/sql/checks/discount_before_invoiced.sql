-- Documents whose discount ends before their own date.
discount_date < invoice_date
