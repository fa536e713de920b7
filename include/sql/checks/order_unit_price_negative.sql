-- Order lines by quantity with a negative price.
NOT amount_based AND unit_price < 0
