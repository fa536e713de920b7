-- Documents dated after the business day of their company.
invoice_date > business_date
