-- Documents whose number leaves nothing to recognise a duplicate by.
invoice_number !~ '^[^[:cntrl:]]*[A-Za-z1-9][^[:cntrl:]]*$'
