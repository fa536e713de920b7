-- The checkpoints that cover more than so many records. One row per checkpoint, by number.
SELECT s.seal_no, s.size, s.root, s.edge, s.note, s.key_id, s.reason, s.sealed_at
FROM audit.seal s WHERE s.size > %s ORDER BY s.seal_no, s.size
