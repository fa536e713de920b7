-- Question: how did earlier cases of these suppliers end?
-- Grain: one row per supplier with a closed case: numbers by code and outcome, and the last five cases. Nobody is named, only the role.
WITH closed AS (
  SELECT c.case_id, c.supplier_id, c.role, c.state, c.closed_at, c.amount, c.currency, a.action, a.reason_code, coalesce(a.action, 'overtaken by facts') AS outcome,
         ARRAY(SELECT DISTINCT x.code FROM review.case_item x WHERE x.case_id = c.case_id ORDER BY 1) AS codes, row_number() OVER (PARTITION BY c.supplier_id ORDER BY c.case_id DESC) AS place
  FROM review.case c LEFT JOIN LATERAL (SELECT n.action, n.reason_code FROM review.answer n WHERE n.case_id = c.case_id AND n.final AND c.state = 'settled' ORDER BY n.answer_id DESC LIMIT 1) a ON true
  WHERE c.supplier_id = ANY (suppliers) AND c.state IN ('settled', 'superseded')
), counted AS (
  SELECT g.supplier_id, jsonb_agg(jsonb_build_object('code', g.code, 'outcome', g.outcome, 'cases', g.cases) ORDER BY g.cases DESC, g.code COLLATE "C", g.outcome COLLATE "C") AS counts
  FROM (SELECT c.supplier_id, k.code, c.outcome, count(*) AS cases FROM closed c CROSS JOIN LATERAL unnest(c.codes) AS k(code) GROUP BY 1, 2, 3) g GROUP BY g.supplier_id
)
SELECT c.supplier_id, jsonb_build_object('counts', coalesce(min(n.counts::text)::jsonb, '[]'), 'cases', count(*), 'last', jsonb_agg(jsonb_build_object('case_id', c.case_id, 'codes', c.codes, 'outcome', c.outcome, 'role', c.role,
         'reason_code', c.reason_code, 'amount', trim_scale(c.amount)::text, 'currency', c.currency, 'closed_at', ops.utc(c.closed_at)) ORDER BY c.place) FILTER (WHERE c.place <= 5))
FROM closed c LEFT JOIN counted n ON n.supplier_id = c.supplier_id GROUP BY c.supplier_id
