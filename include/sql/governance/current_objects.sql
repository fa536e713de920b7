-- Everything in this database that acts or refuses by itself, one line each with the hash of its text: functions, views, triggers,
-- constraints, unique indexes, and who owns them. No per cent sign may stand here: the text runs with and without parameters.
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
) o
WHERE o.nspname <> ALL ('{pg_catalog,information_schema,pg_toast}') AND NOT starts_with(o.nspname, 'pg_temp') AND NOT starts_with(o.nspname, 'pg_toast_temp')
