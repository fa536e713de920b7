-- Question: which program texts changed, who installed them, and does the database act by exactly what was installed?
-- Population: functions, views, tables, triggers, constraints, unique indexes and session settings of this database; texts installed in the period; runs by package version.
WITH {{ include: governance/period }}, {{ include: governance/setting_records }}, {{ include: governance/setting_drift }},
installed AS MATERIALIZED (
  SELECT b.body -> 'objects' AS objects, (b.body ->> 'server')::integer AS server, (b.body ->> 'at')::timestamptz AS at
  FROM audit.record r CROSS JOIN LATERAL (SELECT convert_from(r.body, 'UTF8')::jsonb AS body) b WHERE r.subject = 'setting:installed.objects' ORDER BY r.n DESC LIMIT 1
), present AS MATERIALIZED (
{{ include: governance/current_objects }}
), compared AS (
  SELECT coalesce(p.name, w.key) AS name, p.sha256, w.value AS wanted FROM present p FULL JOIN (SELECT f.key, f.value FROM installed i, jsonb_each_text(i.objects) f) w ON w.key = p.name
), changed AS MATERIALIZED (
  SELECT s.* FROM setting_record s JOIN period t ON s.at >= t.since AND s.at < t.until WHERE s.tab = 'ops.installed_text' AND s.step <> 'on record'
), version AS (
  SELECT r.package_version, count(*) AS runs, min(r.started_at) AS first_at FROM ops.run r JOIN period t ON r.started_at >= t.since AND r.started_at < t.until GROUP BY r.package_version
), population (unit, items, amount, currency, tested) AS (
  SELECT 'objects of the database', 1, NULL::numeric, NULL::text, EXISTS (SELECT FROM installed) FROM present p
  UNION ALL SELECT 'texts installed', 1, NULL, NULL, true FROM changed c
  UNION ALL SELECT 'runs', v.runs, NULL, NULL, true FROM version v
), finding (check_id, ref, what, who, at, amount, currency, notice) AS (
  SELECT 'not_as_installed', c.name, CASE WHEN c.sha256 IS NULL THEN 'was installed and is not there' WHEN c.wanted IS NULL THEN 'is there and was not installed' ELSE 'is not the text that was installed' END,
         'unknown', (SELECT i.at FROM installed i), NULL::numeric, NULL::text,
         -- another major version of the server writes some definitions in other words
         c.sha256 IS NOT NULL AND c.wanted IS NOT NULL AND NOT starts_with(c.name, 'function ') AND (SELECT i.server FROM installed i) <> current_setting('server_version_num')::integer / 10000
  FROM compared c WHERE c.sha256 IS DISTINCT FROM c.wanted AND EXISTS (SELECT FROM installed)
  UNION ALL
  SELECT 'nothing_to_compare_with', 'the database', 'no record says what was installed; run backoffice migrate', NULL, NULL, NULL, NULL, false WHERE NOT EXISTS (SELECT FROM installed)
  UNION ALL
  SELECT 'changed_past_the_record', coalesce(d.line ->> 'name', d.tab), CASE WHEN d.gone THEN 'recorded as installed and not there' ELSE 'listed as installed and never recorded' END, 'unknown', NULL, NULL, NULL, false
  FROM setting_drift d WHERE d.tab = 'ops.installed_text'
  UNION ALL
  SELECT 'text_installed', coalesce(c.after ->> 'name', c.before ->> 'name'), c.step || coalesce(': before ' || left(c.before ->> 'sha256', 12), '') || coalesce('; after ' || left(c.after ->> 'sha256', 12) || ' of package ' || (c.after ->> 'package_version'), ''),
         c.by, c.at, NULL, NULL, true
  FROM changed c
  UNION ALL
  SELECT 'package_version', 'package ' || v.package_version, v.runs || ' runs', NULL, v.first_at, NULL, NULL, true FROM version v
)
{{ include: controls/summary }}
