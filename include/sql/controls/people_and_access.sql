-- Question: who was given or lost a log-in, a role or a limit in the period, and are the tables what was recorded?
-- Population: changes of persons, log-ins and authority recorded in the period; rows as they stand. There is no way to change these by
-- two people: each change is a notice, whose approval somebody has to see elsewhere.
WITH {{ include: governance/period }}, {{ include: governance/setting_records }}, {{ include: governance/setting_drift }},
changed AS MATERIALIZED (
  SELECT s.* FROM setting_record s JOIN period t ON s.at >= t.since AND s.at < t.until WHERE s.step <> 'on record' AND s.tab IN ('review.person', 'review.identity', 'review.authority')
), population (unit, items, amount, currency, tested) AS (
  SELECT 'changes of ' || c.tab, 1, NULL::numeric, NULL::text, true FROM changed c
  UNION ALL SELECT 'persons', 1, NULL, NULL, true FROM review.person
  UNION ALL SELECT 'log-ins and user ids', 1, NULL, NULL, true FROM review.identity
  UNION ALL SELECT 'authorities', 1, NULL, NULL, true FROM review.authority
), finding (check_id, ref, what, who, at, amount, currency, notice) AS (
  SELECT CASE c.tab WHEN 'review.person' THEN 'person_changed' WHEN 'review.identity' THEN 'log_in_changed' ELSE 'authority_changed' END, coalesce(c.after ->> 'person_id', c.before ->> 'person_id', c.tab),
         c.step || coalesce(': before ' || (SELECT string_agg(f.key || ' ' || left(f.value, 24), ', ' ORDER BY f.key) FROM jsonb_each_text(c.before) f WHERE f.value IS NOT NULL), '')
           || coalesce('; after ' || (SELECT string_agg(f.key || ' ' || left(f.value, 24), ', ' ORDER BY f.key) FROM jsonb_each_text(c.after) f WHERE f.value IS NOT NULL), ''), c.by, c.at,
         (c.after ->> 'amount_limit')::numeric, c.after ->> 'currency', true
  FROM changed c
  UNION ALL
  SELECT 'changed_past_the_record', coalesce(d.line ->> 'person_id', d.tab), d.tab || CASE WHEN d.gone THEN ' recorded and not there: ' ELSE ' there and never recorded: ' END
           || (SELECT string_agg(f.key || ' ' || left(f.value, 24), ', ' ORDER BY f.key) FROM jsonb_each_text(d.line) f WHERE f.value IS NOT NULL), 'unknown', NULL, (d.line ->> 'amount_limit')::numeric, d.line ->> 'currency', false
  FROM setting_drift d WHERE d.tab IN ('review.person', 'review.identity', 'review.authority')
  UNION ALL
  SELECT 'log_in_without_authority', i.person_id, 'a log-in of system ' || i.system || ' belongs to a person who is not active', NULL, NULL, NULL, NULL, true
  FROM review.identity i JOIN review.person p ON p.person_id = i.person_id AND NOT p.active WHERE i.system <> 'erp'
)
{{ include: controls/summary }}
