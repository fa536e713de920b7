-- Documents whose discount ends after they are due without one.
due_date < discount_date
