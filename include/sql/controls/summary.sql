-- What every control ends with: how much was in its population and tested, and what it found. Reads population and finding.
SELECT 'population' AS part, NULL::text AS check_id, p.unit AS ref, NULL::text AS what, NULL::text AS who, NULL::timestamptz AS at,
       sum(p.items)::bigint AS items, coalesce(sum(p.items) FILTER (WHERE p.tested), 0)::bigint AS tested, sum(p.amount) AS amount, p.currency::text AS currency
FROM population p GROUP BY p.unit, p.currency
UNION ALL
SELECT CASE WHEN f.notice THEN 'notice' ELSE 'exception' END, f.check_id, f.ref, f.what, f.who, f.at, 1, 1, f.amount, f.currency::text FROM finding f
ORDER BY 1, 3, 2, 6, 4, 9
