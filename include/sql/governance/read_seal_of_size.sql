-- The checkpoint that covers exactly so many records. At most one row.
SELECT s.seal_no, s.size, s.root, s.edge, s.note, s.key_id, s.reason, s.sealed_at FROM audit.seal s WHERE s.size = %s LIMIT 1
