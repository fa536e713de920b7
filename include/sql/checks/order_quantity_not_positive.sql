-- Order lines by quantity that order nothing or less.
amount_based IS NOT TRUE AND quantity <= 0
