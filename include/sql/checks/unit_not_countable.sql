-- Rows whose quantity has no exact equal in the unit of their order line.
unit_not_countable
