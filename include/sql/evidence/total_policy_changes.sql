-- Question: which versions of policies does the audit log say were entered in the period?
-- Grain: one row per currency: versions and what the machine may decide by them.
WITH {{ include: governance/period }}
SELECT said.b ->> 'currency' AS currency, count(*) AS items, sum((said.b ->> 'machine_limit')::numeric) AS amount
FROM period t JOIN audit.record r ON r.recorded_at >= t.since AND r.recorded_at < t.until CROSS JOIN LATERAL (SELECT convert_from(r.body, 'UTF8')::jsonb AS b) said
WHERE r.kind = 'policy' AND r.subject LIKE 'policy:%%' AND r.body IS NOT NULL AND (said.b ->> 'step' IN ('approved', 'activated by the owner') OR said.b ->> 'step' IS NULL) GROUP BY 1
