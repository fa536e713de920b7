-- Question: has every log-in of the database exactly the rights that were installed, and is none stronger than it should be?
-- Population: rights in this database as they stand; log-ins of the product.
WITH {{ include: governance/period }},
installed AS MATERIALIZED (
  SELECT r.n, b.body -> 'rights' AS rights, b.body ->> 'by' AS by, (b.body ->> 'at')::timestamptz AS at
  FROM audit.record r CROSS JOIN LATERAL (SELECT convert_from(r.body, 'UTF8')::jsonb AS body) b WHERE r.subject = 'setting:installed.rights' AND r.body IS NOT NULL
), latest AS (
  SELECT i.* FROM installed i ORDER BY i.n DESC LIMIT 1
), present AS MATERIALIZED (
{{ include: governance/current_rights }}
), login AS MATERIALIZED (
  SELECT r.oid, r.rolname, r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolbypassrls OR r.rolreplication AS strong, r.rolcanlogin FROM pg_roles r WHERE starts_with(r.rolname, 'backoffice_')
), changed AS (
  SELECT i.by, i.at, f.value AS line, 'given by an installation' AS what FROM installed i JOIN period t ON i.at >= t.since AND i.at < t.until JOIN installed b ON b.n = i.n - 1, jsonb_array_elements_text(i.rights) f WHERE NOT b.rights ? f.value
  UNION ALL
  SELECT i.by, i.at, f.value, 'taken by an installation' FROM installed i JOIN period t ON i.at >= t.since AND i.at < t.until JOIN installed b ON b.n = i.n - 1, jsonb_array_elements_text(b.rights) f WHERE NOT i.rights ? f.value
), population (unit, items, amount, currency, tested) AS (
  SELECT 'rights', 1, NULL::numeric, NULL::text, EXISTS (SELECT FROM latest) FROM present p
  UNION ALL SELECT 'log-ins of the product', 1, NULL, NULL, true FROM login
), finding (check_id, ref, what, who, at, amount, currency, notice) AS (
  SELECT 'right_not_installed', split_part(p.line, ':', 1), 'has ' || substr(p.line, strpos(p.line, ':') + 2) || ', which was not installed', 'unknown', NULL::timestamptz, NULL::numeric, NULL::text, false
  FROM present p, latest l WHERE NOT l.rights ? p.line
  UNION ALL
  SELECT 'right_missing', split_part(f.value, ':', 1), 'has not ' || substr(f.value, strpos(f.value, ':') + 2) || ', which was installed', 'unknown', NULL, NULL, NULL, false
  FROM latest l, jsonb_array_elements_text(l.rights) f WHERE NOT EXISTS (SELECT FROM present p WHERE p.line = f.value)
  UNION ALL
  SELECT 'stranger', split_part(p.line, ':', 1), 'has ' || substr(p.line, strpos(p.line, ':') + 2) || ', and is no log-in of the product', 'unknown', NULL, NULL, NULL, false
  FROM present p, latest l WHERE NOT starts_with(p.line, 'backoffice_') AND l.rights ? p.line
  UNION ALL
  SELECT 'nothing_to_compare_with', 'the database', 'no record says which rights were installed; run backoffice migrate', NULL, NULL, NULL, NULL, false WHERE NOT EXISTS (SELECT FROM latest)
  UNION ALL
  SELECT 'too_strong', g.rolname, 'is superuser, or may create roles or databases, replicate or pass by row security', 'unknown', NULL, NULL, NULL, false FROM login g WHERE g.strong
  UNION ALL
  SELECT 'owner_can_log_in', g.rolname, 'may log in; nobody should', 'unknown', NULL, NULL, NULL, false FROM login g WHERE g.rolname = 'backoffice_owner' AND g.rolcanlogin
  UNION ALL
  SELECT 'becomes_another', m.rolname, 'may become ' || r.rolname, 'unknown', NULL, NULL, NULL, false
  FROM pg_auth_members a JOIN pg_roles r ON r.oid = a.roleid AND starts_with(r.rolname, 'backoffice_') JOIN pg_roles m ON m.oid = a.member
  WHERE NOT m.rolsuper AND NOT (m.rolname = 'backoffice_migrator' AND r.rolname = 'backoffice_owner')
  UNION ALL
  SELECT 'anybody_may_connect', d.datname, 'everybody who has a log-in on the server has ' || x.privilege_type || ' on this database', 'unknown', NULL, NULL, NULL, false
  FROM pg_database d CROSS JOIN LATERAL aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) x WHERE d.datname = current_database() AND x.grantee = 0
  UNION ALL
  SELECT 'rights_changed', split_part(c.line, ':', 1), substr(c.line, strpos(c.line, ':') + 2) || ' ' || c.what, c.by, c.at, NULL, NULL, true FROM changed c
)
{{ include: controls/summary }}
