-- Rows whose order date lies after the business day of their company.
order_date > business_date
