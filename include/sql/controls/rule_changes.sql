-- Question: who changed tolerances, settings, hold codes, unit factors, retention, accounts, companies and calendars, and is what stands there what was recorded?
-- Population: changes recorded in the period. There is no way to change these by two people: what decides about money and was changed by
-- the owner alone is an exception, calendars and names of accounts are a notice.
WITH {{ include: governance/period }}, {{ include: governance/setting_records }}, {{ include: governance/setting_drift }},
changed AS MATERIALIZED (
  SELECT s.*, s.tab IN ('ledger.fiscal_period', 'ledger.holiday', 'ledger.account', 'ops.entity') AS calendar FROM setting_record s JOIN period t ON s.at >= t.since AND s.at < t.until
  WHERE s.step <> 'on record' AND s.tab NOT IN ('review.person', 'review.identity', 'review.authority', 'review.quorum_rule', 'review.duty_rule', 'review.absence', 'review.substitute', 'ops.installed_text') AND NOT starts_with(s.tab, 'installed.')
), population (unit, items, amount, currency, tested) AS (
  SELECT 'changes of ' || c.tab, 1, NULL::numeric, NULL::text, true FROM changed c
  UNION ALL SELECT 'rows as they stand', 1, NULL, NULL, true FROM setting_now n WHERE n.tab NOT IN ('review.person', 'review.identity', 'review.authority', 'review.quorum_rule', 'review.duty_rule', 'review.absence', 'review.substitute', 'ops.installed_text')
), finding (check_id, ref, what, who, at, amount, currency, notice) AS (
  SELECT CASE WHEN c.calendar THEN 'calendar_changed' ELSE 'changed_by_the_owner' END, c.tab || coalesce(' ' || coalesce(c.after ->> 'code', c.after ->> 'name', c.after ->> 'role', c.after ->> 'period', c.after ->> 'account', c.after ->> 'class', c.before ->> 'code', c.before ->> 'name', c.before ->> 'role', c.before ->> 'period'), ''),
         c.step || coalesce(': before ' || (SELECT string_agg(f.key || ' ' || f.value, ', ' ORDER BY f.key) FROM jsonb_each_text(c.before) f WHERE f.value IS DISTINCT FROM c.after ->> f.key), '')
           || coalesce('; after ' || (SELECT string_agg(f.key || ' ' || f.value, ', ' ORDER BY f.key) FROM jsonb_each_text(c.after) f WHERE f.value IS DISTINCT FROM c.before ->> f.key), ''),
         c.by, c.at, NULL::numeric, NULL::text, c.calendar
  FROM changed c
  UNION ALL
  SELECT 'changed_past_the_record', d.tab, CASE WHEN d.gone THEN 'recorded and not there: ' ELSE 'there and never recorded: ' END || (SELECT string_agg(f.key || ' ' || f.value, ', ' ORDER BY f.key) FROM jsonb_each_text(d.line) f WHERE f.value IS NOT NULL),
         'unknown', NULL, NULL, NULL, false
  FROM setting_drift d WHERE d.tab NOT IN ('review.person', 'review.identity', 'review.authority', 'review.quorum_rule', 'review.duty_rule', 'review.absence', 'review.substitute', 'ops.installed_text')
  UNION ALL
  SELECT 'simulated_day', 'ops.simulated_clock', 'the business day is simulated: ' || c.business_date, 'the owner', NULL, NULL, NULL, true FROM ops.simulated_clock c
)
{{ include: controls/summary }}
