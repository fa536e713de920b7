-- Order lines by quantity with a negative price.
amount_based IS NOT TRUE AND unit_price < 0
