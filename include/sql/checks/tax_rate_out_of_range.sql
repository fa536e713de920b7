-- Rows whose tax_rate is not between 0 and 100 percent.
tax_rate < 0 OR tax_rate > 100
