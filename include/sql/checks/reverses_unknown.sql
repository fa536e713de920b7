-- Rows that reverse a receipt that is neither on record nor in this load.
reverses_unknown
