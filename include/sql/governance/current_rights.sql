-- Every right in this database that somebody has who does not own the thing, one line each. No pattern with a per cent sign may stand
-- here: the text runs with and without parameters.
SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee) END || ': ' || a.privilege_type || CASE WHEN a.is_grantable THEN ' with the right to pass it on' ELSE '' END || ' on ' || o.thing AS line
FROM (
  SELECT c.relacl AS acl, c.relowner AS owner, CASE c.relkind WHEN 'S' THEN 'sequence ' ELSE '' END || n.nspname || '.' || c.relname AS thing, n.nspname AS space
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
  UNION ALL
  SELECT t.attacl, c.relowner, n.nspname || '.' || c.relname || '.' || t.attname, n.nspname
  FROM pg_attribute t JOIN pg_class c ON c.oid = t.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE t.attacl IS NOT NULL AND NOT t.attisdropped
  UNION ALL
  SELECT coalesce(p.proacl, acldefault('f', p.proowner)), p.proowner, 'function ' || n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', n.nspname
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
  -- in a schema that nobody may look anything up in, a function is out of reach
  WHERE EXISTS (SELECT FROM aclexplode(n.nspacl) u WHERE u.grantee <> n.nspowner AND u.privilege_type = 'USAGE')
  UNION ALL
  SELECT n.nspacl, n.nspowner, 'schema ' || n.nspname, n.nspname FROM pg_namespace n
  UNION ALL
  SELECT d.defaclacl, d.defaclrole, 'what ' || pg_get_userbyid(d.defaclrole) || ' makes later (' || d.defaclobjtype::text || coalesce(' in ' || n.nspname, '') || ')', coalesce(n.nspname, '')
  FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
) o CROSS JOIN LATERAL aclexplode(o.acl) a
WHERE a.grantee <> o.owner AND o.space <> ALL ('{pg_catalog,information_schema,pg_toast,public}') AND NOT starts_with(o.space, 'pg_temp') AND NOT starts_with(o.space, 'pg_toast_temp')
