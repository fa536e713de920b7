-- The sealed records that introduce keys: place and bytes. One row per key that is in the tree, by place.
SELECT l.leaf_index, r.body FROM audit.sealing_key k JOIN audit.record r ON r.record_id = k.record_id AND r.kind = 'key' AND r.body IS NOT NULL
JOIN audit.leaf l ON l.record_id = r.record_id ORDER BY l.leaf_index
