-- Question: which leaves stand in these blocks of 256 places?
-- Grain: one row per place, in order.
SELECT l.leaf_index, r.leaf FROM unnest(%(blocks)s::bigint[]) AS b(no) JOIN audit.leaf l ON l.leaf_index >= b.no * 256 AND l.leaf_index < b.no * 256 + 256
JOIN audit.record r ON r.record_id = l.record_id ORDER BY l.leaf_index
