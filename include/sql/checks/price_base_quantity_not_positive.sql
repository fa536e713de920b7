-- Rows whose price is per zero or fewer units.
price_base_quantity <= 0
