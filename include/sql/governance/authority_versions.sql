-- Every authority that anybody was ever known to have, from the record of changes: what is in the table now does not count, only what
-- was recorded. known_from is -infinity for what was found when recording began.
authority_record AS MATERIALIZED (
  SELECT r.n, b.body ->> 'step' AS step, b.body -> 'before' AS before, b.body -> 'after' AS after, b.body -> 'rows' AS found, b.body ->> 'by' AS by, (b.body ->> 'at')::timestamptz AS at
  FROM audit.record r CROSS JOIN LATERAL (SELECT convert_from(r.body, 'UTF8')::jsonb AS body) b WHERE r.subject = 'setting:review.authority' AND r.body IS NOT NULL
), authority_event AS (
  SELECT a.n, '-infinity'::timestamptz AS at, NULL::text AS by, 'found' AS step, f.value AS held, f.value AS keyed FROM authority_record a, jsonb_array_elements(a.found) AS f(value) WHERE a.step = 'on record'
  UNION ALL
  SELECT a.n, a.at, a.by, a.step, a.after, a.after FROM authority_record a WHERE a.after <> 'null'
  UNION ALL
  -- a row that was removed, or whose key changed, ends
  SELECT a.n, a.at, a.by, a.step, NULL, a.before FROM authority_record a
  CROSS JOIN (SELECT '{"cost_centre":"*","code":"*"}'::jsonb AS everywhere, '{amount_limit,currency,effective_to,variance_limit,variance_pct}'::text[] AS not_key) d WHERE a.before <> 'null'
    AND (a.after = 'null' OR (d.everywhere || a.before) - d.not_key <> (d.everywhere || a.after) - d.not_key)
  UNION ALL
  SELECT DISTINCT e.n, e.at, e.by, e.step, NULL::jsonb, k.keyed FROM authority_record e
  CROSS JOIN (SELECT coalesce(a.after, a.before) AS keyed FROM authority_record a WHERE coalesce(a.after, a.before) <> 'null'
              UNION ALL SELECT f.value FROM authority_record a, jsonb_array_elements(a.found) AS f(value) WHERE a.step = 'on record') k WHERE e.step = 'table emptied'
), authority_version AS MATERIALIZED (
  SELECT e.held ->> 'person_id' AS person_id, e.held ->> 'role' AS role, e.held ->> 'process' AS process, e.held ->> 'entity' AS entity,
         coalesce(e.held ->> 'cost_centre', '*') AS cost_centre, coalesce(e.held ->> 'code', '*') AS code, (e.held ->> 'variance_limit')::numeric AS variance_limit, (e.held ->> 'variance_pct')::numeric AS variance_pct,
         (e.held ->> 'amount_limit')::numeric AS amount_limit, e.held ->> 'currency' AS currency, (e.held ->> 'effective_from')::date AS effective_from, (e.held ->> 'effective_to')::date AS effective_to,
         e.at AS known_from, e.by AS granted_by, e.step AS granted_how, coalesce(e.next_at, 'infinity') AS known_until, e.next_by AS ended_by, e.next_step AS ended_how
  FROM (SELECT x.*, lead(x.at) OVER of_row AS next_at, lead(x.by) OVER of_row AS next_by, lead(x.step) OVER of_row AS next_step FROM authority_event x
        WINDOW of_row AS (PARTITION BY x.keyed ->> 'person_id', x.keyed ->> 'role', x.keyed ->> 'process', x.keyed ->> 'entity', coalesce(x.keyed ->> 'cost_centre', '*'), coalesce(x.keyed ->> 'code', '*'), x.keyed ->> 'effective_from' ORDER BY x.n, x.held IS NOT NULL)) e
  WHERE e.held IS NOT NULL
)
