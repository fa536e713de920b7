-- The records that no checkpoint covers yet. One row per record; one that is gone has no more than its record id.
SELECT -1::bigint, w.record_id, r.subject, r.n, r.kind, r.recorded_at, r.body, r.leaf
FROM audit.waiting w LEFT JOIN audit.record r ON r.record_id = w.record_id ORDER BY w.record_id
