-- Rows of a company that has no entry in ops.entity.
NOT entity_known
