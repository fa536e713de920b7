-- Question: which authority had these persons at these moments, as recorded?
-- Grain: one row per authority and stretch of time in which it was known with these values.
WITH {{ include: governance/authority_versions }}
SELECT DISTINCT a.person_id, a.role, a.process, a.entity, trim_scale(a.amount_limit)::text AS amount_limit, a.currency, a.effective_from::text AS effective_from, a.effective_to::text AS effective_to,
       CASE WHEN isfinite(a.known_from) THEN ops.utc(a.known_from) END AS known_from, a.granted_by, CASE WHEN isfinite(a.known_until) THEN ops.utc(a.known_until) END AS known_until
FROM authority_version a JOIN unnest(%(persons)s::text[], %(moments)s::timestamptz[]) AS acted(person_id, at) ON acted.person_id = a.person_id AND acted.at >= a.known_from AND acted.at < a.known_until
WHERE (acted.at AT TIME ZONE 'UTC')::date BETWEEN a.effective_from - 1 AND coalesce(a.effective_to, 'infinity'::date - 1) + 1
ORDER BY 1, 2, 3, 4, 7, 9
