-- Rows whose receipt_number is blank or holds control characters.
receipt_number !~ '^[^[:cntrl:]]*[^[:cntrl:][:space:]][^[:cntrl:]]*$'
