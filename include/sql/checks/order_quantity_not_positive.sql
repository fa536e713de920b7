-- Order lines by quantity that order nothing or less.
NOT amount_based AND quantity <= 0
