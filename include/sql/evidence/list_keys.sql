-- Question: which keys has the log, where does the record stand that introduced each, and which checkpoint covers it first?
-- Grain: one row per key, in the order of introduction.
SELECT k.line, k.record_id, l.leaf_index, s.size, s.note
FROM audit.sealing_key k LEFT JOIN audit.leaf l ON l.record_id = k.record_id
LEFT JOIN LATERAL (SELECT x.size, x.note FROM audit.seal x WHERE x.size > l.leaf_index ORDER BY x.size LIMIT 1) s ON true
ORDER BY k.record_id
