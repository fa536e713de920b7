-- Every recorded change of people and rules, and what was found when recording began; see audit records of subject setting:...
setting_record AS MATERIALIZED (
  SELECT substr(r.subject, 9) AS tab, r.n, b.body ->> 'step' AS step, nullif(b.body -> 'before', 'null') AS before, nullif(b.body -> 'after', 'null') AS after, b.body -> 'rows' AS found,
         b.body ->> 'by' AS by, (b.body ->> 'at')::timestamptz AS at
  FROM audit.record r CROSS JOIN LATERAL (SELECT convert_from(r.body, 'UTF8')::jsonb AS body) b WHERE starts_with(r.subject, 'setting:') AND r.body IS NOT NULL
)
