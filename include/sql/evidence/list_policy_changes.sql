-- Question: which versions of policies were entered in the period?
-- Grain: one row per version, at what the machine may decide by it.
WITH {{ include: governance/period }}, {{ include: governance/policy_versions }}
SELECT 'policy:' || v.policy_id || '@' || v.version AS key, (v.entered_at AT TIME ZONE 'UTC')::date::text AS day, v.machine_limit AS amount, v.currency::text AS currency,
       'policy:' || v.policy_id || '@' || v.version AS ref
FROM period t JOIN policy_carried v ON v.entered_at >= t.since AND v.entered_at < t.until
