-- Rows whose po_number is blank or holds control characters.
po_number !~ '^[^[:cntrl:]]*[^[:cntrl:][:space:]][^[:cntrl:]]*$'
