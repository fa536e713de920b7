-- Everything in this database that acts, refuses or hides by itself, one line each with the hash of its text: functions, views, tables
-- with their columns and what hides rows of them, triggers, constraints, unique indexes, what a session begins with, and who owns it.
-- No per cent sign may stand here: the text runs with and without parameters.
SELECT o.kind || ' ' || o.name AS name, encode(sha256(convert_to(o.definition, 'UTF8')), 'hex') AS sha256
FROM (
  SELECT 'function' AS kind, n.nspname, n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' AS name,
         concat_ws(E'\n', coalesce(nullif(p.prosrc, ''), pg_get_function_sqlbody(p.oid)), pg_get_function_result(p.oid), p.prosecdef::text, p.proconfig::text, p.provolatile::text, pg_get_userbyid(p.proowner)) AS definition
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.prokind <> 'a'
  UNION ALL
  SELECT 'view', n.nspname, n.nspname || '.' || c.relname, concat_ws(E'\n', pg_get_viewdef(c.oid), c.reloptions::text, pg_get_userbyid(c.relowner))
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('v', 'm')
  UNION ALL
  SELECT 'trigger', n.nspname, t.tgname || ' on ' || n.nspname || '.' || c.relname, t.tgenabled::text || ' ' || pg_get_triggerdef(t.oid)
  FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOT t.tgisinternal
  UNION ALL
  SELECT 'constraint', n.nspname, k.conname || ' on ' || n.nspname || '.' || c.relname, pg_get_constraintdef(k.oid) || k.convalidated::text
  FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE k.contype IN ('c', 'f', 'p', 'u', 'x') AND k.conislocal
  UNION ALL
  SELECT 'unique index', n.nspname, n.nspname || '.' || c.relname, pg_get_indexdef(x.indexrelid) || x.indisvalid::text
  FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE x.indisunique
  UNION ALL
  SELECT 'rule', n.nspname, r.rulename || ' on ' || n.nspname || '.' || c.relname, pg_get_ruledef(r.oid)
  FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace WHERE r.rulename <> '_RETURN'
  UNION ALL
  SELECT 'table', n.nspname, n.nspname || '.' || c.relname, concat_ws(E'\n', c.relrowsecurity::text, c.relforcerowsecurity::text, pg_get_userbyid(c.relowner),
    (SELECT string_agg(concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated, pg_get_expr(d.adbin, d.adrelid)), E'\n' ORDER BY a.attname COLLATE "C")
     FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
    (SELECT string_agg(concat_ws(' ', 'policy', p.polname, p.polcmd, p.polpermissive, (SELECT string_agg(CASE g.role WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(g.role) END, ' ') FROM unnest(p.polroles) AS g(role)),
       pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)), E'\n' ORDER BY p.polname COLLATE "C") FROM pg_policy p WHERE p.polrelid = c.oid),
    (SELECT string_agg('inherited by ' || h.inhrelid::regclass, E'\n' ORDER BY h.inhrelid::regclass::text COLLATE "C") FROM pg_inherits h WHERE h.inhparent = c.oid))
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'f') AND c.relpersistence = 'p' -- not the tables of work, which each night makes anew
  UNION ALL
  SELECT 'event trigger', '', e.evtname, concat_ws(' ', e.evtevent, e.evtenabled, e.evttags::text, e.evtfoid::regprocedure) FROM pg_event_trigger e
  UNION ALL
  SELECT 'session setting', '', split_part(g.line, '=', 1) || ' of ' || CASE s.setrole WHEN 0 THEN 'everybody' ELSE pg_get_userbyid(s.setrole) END || CASE s.setdatabase WHEN 0 THEN '' ELSE ' in this database' END, g.line
  FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) AS g(line)
  WHERE s.setdatabase IN (0, (SELECT b.oid FROM pg_database b WHERE b.datname = current_database())) AND (s.setrole = 0 OR starts_with(pg_get_userbyid(s.setrole), 'backoffice_'))
    AND split_part(g.line, '=', 1) IN ('session_replication_role', 'search_path', 'row_security', 'role', 'local_preload_libraries', 'session_preload_libraries')
) o
WHERE o.nspname <> ALL ('{pg_catalog,information_schema,pg_toast}') AND NOT starts_with(o.nspname, 'pg_temp') AND NOT starts_with(o.nspname, 'pg_toast_temp')
