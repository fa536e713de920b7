-- Question: what do the records of these runs say of how they began, of these loads, and of the calls that brought these documents?
-- Grain: one row per record, in the order of writing; records whose bytes were purged say nothing and are left out.
SELECT r.record_id, r.subject, r.n, r.kind, r.body, r.leaf, l.leaf_index, NULL::bigint AS erasure
FROM audit.record r CROSS JOIN LATERAL (SELECT convert_from(r.body, 'UTF8')::jsonb AS b) said LEFT JOIN audit.leaf l ON l.record_id = r.record_id
WHERE r.subject = ANY (%(runs)s) AND r.body IS NOT NULL
  AND (said.b ->> 'step' = 'run opened' OR said.b ->> 'load_id' = ANY (%(loads)s) OR r.kind = 'api_call' AND said.b ->> 'sha256' = ANY (%(documents)s))
ORDER BY r.record_id
