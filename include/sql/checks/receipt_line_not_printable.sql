-- Rows whose receipt_line is blank or holds control characters.
receipt_line !~ '^[^[:cntrl:]]*[^[:cntrl:][:space:]][^[:cntrl:]]*$'
