-- Question: what do the records say of how these runs, and those that read these loads, began, of the loads, and of the calls that brought
-- these documents?
-- Grain: one row per record, in the order of writing; records whose bytes were purged say nothing and are left out.
WITH run AS (
  SELECT 'run:' || g.run_id AS subject FROM unnest(%(runs)s::text[]) AS g(run_id)
  UNION
  SELECT 'run:' || l.run_id FROM intake.load l WHERE l.load_id = ANY (%(loads)s::text[]::bigint[])
)
SELECT r.record_id, r.subject, r.n, r.kind, r.body, r.leaf, l.leaf_index, NULL::bigint AS erasure
FROM run JOIN audit.record r ON r.subject = run.subject AND r.body IS NOT NULL
CROSS JOIN LATERAL (SELECT convert_from(r.body, 'UTF8')::jsonb AS b) said LEFT JOIN audit.leaf l ON l.record_id = r.record_id
WHERE said.b ->> 'step' = 'run opened' OR said.b ->> 'load_id' = ANY (%(loads)s) OR r.kind = 'api_call' AND said.b ->> 'sha256' = ANY (%(documents)s)
ORDER BY r.record_id
