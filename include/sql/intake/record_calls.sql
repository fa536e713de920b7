-- Writes what was asked of a source to the audit log of the run.
-- One row: how many records.
SELECT audit.record_calls(%s, %s)
