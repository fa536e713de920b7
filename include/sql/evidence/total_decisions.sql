-- Question: what does the audit log say was decided in the period?
-- Grain: one row per currency: records, and the amounts that the decisions of the machine looked at; of people, those that the machine
-- had looked at last before them.
WITH {{ include: governance/period }}, said AS (
  SELECT r.kind, r.subject, r.n, convert_from(r.body, 'UTF8')::jsonb AS b FROM period t JOIN audit.record r ON r.recorded_at >= t.since AND r.recorded_at < t.until
  WHERE r.kind IN ('decision', 'human') AND r.body IS NOT NULL
), decided AS (
  SELECT CASE s.kind WHEN 'decision' THEN s.b -> 'inputs' -> 'gross_amount' ELSE (
    SELECT convert_from(x.body, 'UTF8')::jsonb -> 'inputs' -> 'gross_amount' FROM audit.record x WHERE x.subject = s.subject AND x.n < s.n AND x.kind = 'decision' AND x.body IS NOT NULL ORDER BY x.n DESC LIMIT 1) END AS gross
  FROM said s WHERE s.kind = 'decision' OR s.b ? 'answer_id'
)
SELECT coalesce(d.gross ->> 'currency', '') AS currency, count(*) AS items, sum((d.gross ->> 'amount')::numeric) AS amount FROM decided d GROUP BY 1
