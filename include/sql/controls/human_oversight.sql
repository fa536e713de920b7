-- Question: did people look before they decided, and did they find what was wrong in the cases whose answer is known?
-- Population: decisions of people in the period; test cases answered in the period.
WITH {{ include: governance/period }},
decided AS MATERIALIZED (
  SELECT d.*, (d.answered_at AT TIME ZONE 'UTC')::date AS on_day FROM review.decision_time d JOIN period t ON d.answered_at >= t.since AND d.answered_at < t.until
), compared AS (
  SELECT d.role, d.on_day, d.person_id, grouping(d.person_id) = 1 AS team, count(*) AS decisions, count(d.seconds) AS measured, max(d.answered_at) AS at,
         round(percentile_cont(0.5) WITHIN GROUP (ORDER BY d.seconds)::numeric, 1) AS median_seconds, round(count(*) FILTER (WHERE d.action = 'accept')::numeric / count(*), 4) AS approved
  FROM decided d GROUP BY GROUPING SETS ((d.role, d.on_day), (d.role, d.on_day, d.person_id)) HAVING grouping(d.person_id) = 1 OR review.persons_are_measured()
), judged AS (
  SELECT c.*, l.least_seconds, c.measured >= l.least_decisions AND c.median_seconds < l.least_seconds AS too_quick, c.decisions >= l.least_decisions AND c.approved >= l.most_approved AS approves_all
  FROM compared c JOIN LATERAL (SELECT o.* FROM review.oversight_limit o WHERE o.role IN (c.role, '*') ORDER BY o.role = '*' LIMIT 1) l ON true
), tried AS (
  SELECT s.*, c.role FROM vault.seeded_case s JOIN review.case c ON c.case_id = s.case_id JOIN period t ON s.answered_at >= t.since AND s.answered_at < t.until
), population (unit, items, amount, currency, tested) AS (
  SELECT 'decisions of people', 1, NULL::numeric, NULL::text, true FROM decided
  UNION ALL SELECT 'test cases answered', 1, NULL, NULL, true FROM tried
), finding (check_id, ref, what, who, at, amount, currency, notice) AS (
  SELECT CASE WHEN j.team THEN 'too_quick' ELSE 'person_too_quick' END, j.role || ' on ' || j.on_day,
         j.decisions || ' decisions, half of them in less than ' || j.median_seconds || ' s (limit ' || trim_scale(j.least_seconds) || ' s); ' || round(j.approved * 100) || ' %% accepted',
         CASE WHEN j.team THEN 'the team ' || j.role ELSE j.person_id END, j.at, NULL::numeric, NULL::text, NOT j.team
  FROM judged j WHERE j.too_quick
  UNION ALL
  SELECT 'approves_all', j.role || ' on ' || j.on_day, round(j.approved * 100) || ' %% of ' || j.decisions || ' decisions accepted', 'the team ' || j.role, j.at, NULL, NULL, true FROM judged j WHERE j.approves_all AND j.team
  UNION ALL
  SELECT 'test_case_wrong', 'case ' || t.case_id, 'answered ' || t.action || ', right was ' || t.expected || ' as in case ' || t.template_case,
         CASE WHEN review.persons_are_measured() THEN t.person_id ELSE 'the team ' || t.role END, t.answered_at, NULL, NULL, false
  FROM tried t WHERE NOT t.passed
)
{{ include: controls/summary }}
