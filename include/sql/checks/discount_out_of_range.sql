-- Documents whose discount is not between 0 and 100 percent.
discount_percent <= 0 OR discount_percent >= 100
