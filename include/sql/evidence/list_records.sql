-- Question: what does the log say of these subjects, and which places have the records in the tree?
-- Grain: one row per record, in the order of writing. No place: not sealed yet. No body: purged; erasure is the record that says so.
SELECT r.record_id, r.subject, r.n, r.kind, r.body, r.leaf, l.leaf_index, p.erasure
FROM audit.record r LEFT JOIN audit.leaf l ON l.record_id = r.record_id LEFT JOIN audit.purged p ON p.leaf_index = l.leaf_index
WHERE r.subject = ANY (%(subjects)s) OR r.record_id = ANY (%(records)s)
ORDER BY r.record_id
