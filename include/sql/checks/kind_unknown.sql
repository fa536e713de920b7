-- Documents that are neither invoice nor credit note.
kind NOT IN ('invoice', 'credit_note')
