-- The sealed records from a place on, in the order of the tree. One row per place; a place whose record is gone has no more
-- than its record id.
SELECT l.leaf_index, l.record_id, r.subject, r.n, r.kind, r.recorded_at, r.body, r.leaf
FROM audit.leaf l LEFT JOIN audit.record r ON r.record_id = l.record_id
WHERE l.leaf_index >= %s ORDER BY l.leaf_index
