-- Rows whose line number is blank, only zeros or holds control characters.
po_line !~ '^[^[:cntrl:]]*[^0[:cntrl:][:space:]][^[:cntrl:]]*$'
