-- Leaf hashes of the places from one up to another. One row per place, in order.
SELECT r.leaf FROM audit.leaf l JOIN audit.record r ON r.record_id = l.record_id WHERE l.leaf_index >= %s AND l.leaf_index < %s ORDER BY l.leaf_index
