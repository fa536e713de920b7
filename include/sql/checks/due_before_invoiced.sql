-- Documents that are due before their own date.
due_date < invoice_date
