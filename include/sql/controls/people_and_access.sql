-- Question: who was given or lost a log-in, a role or a limit in the period, and are the tables what was recorded?
-- Population: changes of persons, log-ins, authority, quorum rules, duties, absences and substitutes recorded in the period; rows as they
-- stand. What two people carried through the pages, or one about the own absence, is in order: the change was recorded in the
-- transaction of the approval, with the content that was approved. Every other change is a notice, whose approval somebody has to see
-- elsewhere.
WITH {{ include: governance/period }}, {{ include: governance/setting_records }}, {{ include: governance/setting_drift }},
changed AS MATERIALIZED (
  SELECT s.* FROM setting_record s JOIN period t ON s.at >= t.since AND s.at < t.until WHERE s.step <> 'on record' AND s.tab IN ('review.person', 'review.identity', 'review.authority', 'review.quorum_rule', 'review.duty_rule', 'review.absence', 'review.substitute')
), carried AS MATERIALIZED (
  -- a user id is not compared: its hash may be gone, and the person must be the same; numbers as they are recorded
  SELECT c.change_id, 'review.' || c.kind AS tab, c.act, c.answered_at, (SELECT jsonb_object_agg(f.key, CASE WHEN jsonb_typeof(f.value) = 'number' THEN trim_scale((f.value #>> '{}')::numeric)::text ELSE f.value #>> '{}' END)
           FROM jsonb_each(coalesce(c.after, c.before)) AS f) AS line
  FROM review.access_change c
  WHERE c.state = 'approved' AND (c.answered_by <> c.proposed_by OR c.alone AND c.kind IN ('absence', 'substitute') AND c.of_person = c.proposed_by)
    AND (c.alone OR c.of_person IS NULL OR c.of_person NOT IN (c.proposed_by, c.answered_by))
), without_approval AS MATERIALIZED (
  SELECT c.* FROM changed c WHERE c.by <> 'backoffice_web' OR NOT EXISTS (SELECT FROM carried a WHERE a.tab = c.tab AND a.answered_at = c.at
    AND CASE c.step WHEN 'row added' THEN 'add' WHEN 'row changed' THEN 'change' WHEN 'row removed' THEN 'remove' END = a.act
    AND coalesce(c.after, c.before) - '{user_hash,rule_id,absence_id,substitute_no}'::text[] = a.line)
), population (unit, items, amount, currency, tested) AS (
  SELECT 'changes of ' || c.tab, 1, NULL::numeric, NULL::text, true FROM changed c
  UNION ALL SELECT 'persons', 1, NULL, NULL, true FROM review.person
  UNION ALL SELECT 'log-ins and user ids', 1, NULL, NULL, true FROM review.identity
  UNION ALL SELECT 'authorities', 1, NULL, NULL, true FROM review.authority
  UNION ALL SELECT 'quorum rules, duties, absences and substitutes', 1, NULL, NULL, true FROM (SELECT FROM review.quorum_rule UNION ALL SELECT FROM review.duty_rule UNION ALL SELECT FROM review.absence
    UNION ALL SELECT FROM review.substitute) r
), finding (check_id, ref, what, who, at, amount, currency, notice) AS (
  SELECT CASE c.tab WHEN 'review.person' THEN 'person_changed' WHEN 'review.identity' THEN 'log_in_changed' WHEN 'review.authority' THEN 'authority_changed' ELSE 'deciding_rule_changed' END, coalesce(c.after ->> 'person_id', c.before ->> 'person_id', c.tab),
         c.step || coalesce(': before ' || (SELECT string_agg(f.key || ' ' || left(f.value, 24), ', ' ORDER BY f.key) FROM jsonb_each_text(c.before) f WHERE f.value IS NOT NULL), '')
           || coalesce('; after ' || (SELECT string_agg(f.key || ' ' || left(f.value, 24), ', ' ORDER BY f.key) FROM jsonb_each_text(c.after) f WHERE f.value IS NOT NULL), ''), c.by, c.at,
         (c.after ->> 'amount_limit')::numeric, c.after ->> 'currency', true
  FROM without_approval c
  UNION ALL
  SELECT 'changed_past_the_record', coalesce(d.line ->> 'person_id', d.tab), d.tab || CASE WHEN d.gone THEN ' recorded and not there: ' ELSE ' there and never recorded: ' END
           || (SELECT string_agg(f.key || ' ' || left(f.value, 24), ', ' ORDER BY f.key) FROM jsonb_each_text(d.line) f WHERE f.value IS NOT NULL), 'unknown', NULL, (d.line ->> 'amount_limit')::numeric, d.line ->> 'currency', false
  FROM setting_drift d WHERE d.tab IN ('review.person', 'review.identity', 'review.authority', 'review.quorum_rule', 'review.duty_rule', 'review.absence', 'review.substitute')
  UNION ALL
  SELECT 'log_in_without_authority', i.person_id, 'a log-in of system ' || i.system || ' belongs to a person who is not active', NULL, NULL, NULL, NULL, true
  FROM review.identity i JOIN review.person p ON p.person_id = i.person_id AND NOT p.active WHERE i.system <> 'erp'
)
{{ include: controls/summary }}
