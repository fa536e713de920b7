-- Rows whose supplier_id is blank or holds control characters.
supplier_id !~ '^[^[:cntrl:]]*[^[:cntrl:][:space:]][^[:cntrl:]]*$'
