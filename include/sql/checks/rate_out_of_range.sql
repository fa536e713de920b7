-- Rows whose rate is not between 0 and 100 percent.
rate < 0 OR rate > 100
