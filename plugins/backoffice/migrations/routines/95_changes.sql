-- Who changed what people and rules are: every change of these tables leaves a record, whoever makes it and by whatever path. Last
-- of all routines, so that what an installation itself brings is one record and not hundreds.

-- A row as canonical text: numbers without trailing zeros, everything else as it is written. Names and addresses of people stay out
-- of the log; a user id leaves its hash under the person's key (audit.user_hash).
CREATE OR REPLACE FUNCTION audit.row_text(table_in text, row_in jsonb) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT '{' || string_agg(to_json(f.name)::text || ':' || f.value, ',' ORDER BY f.name COLLATE "C") || '}'
  FROM jsonb_each(row_in - CASE table_in WHEN 'review.person' THEN '{name,email}' WHEN 'ops.installed_text' THEN '{installed_at}' ELSE '{}' END::text[]) AS given(name, value)
  CROSS JOIN LATERAL (SELECT given.value #>> '{}' AS plain) AS p
  CROSS JOIN LATERAL (SELECT CASE given.name WHEN 'user_id' THEN 'user_hash' ELSE given.name END AS name,
    CASE WHEN given.name = 'user_id' THEN audit.text(audit.user_hash(row_in ->> 'person_id', p.plain))
         WHEN jsonb_typeof(given.value) = 'number' THEN audit.number(p.plain::numeric) ELSE audit.text(p.plain) END AS value) AS f
$$;

CREATE OR REPLACE FUNCTION audit.record_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  changed text := TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME;
  before text; after text;
BEGIN
  IF changed = 'review.identity' AND TG_OP IN ('INSERT', 'UPDATE') THEN PERFORM vault.make_key('person:' || NEW.person_id); END IF;
  IF TG_OP IN ('UPDATE', 'DELETE') THEN before := audit.row_text(changed, to_jsonb(OLD)); END IF;
  IF TG_OP IN ('INSERT', 'UPDATE') THEN after := audit.row_text(changed, to_jsonb(NEW)); END IF;
  IF before = after THEN RETURN NULL; END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('backoffice:audit:setting:' || changed, 0));
  PERFORM audit.append('policy', 'setting:' || changed, audit.object(
    'step', audit.text(CASE TG_OP WHEN 'INSERT' THEN 'row added' WHEN 'UPDATE' THEN 'row changed' WHEN 'DELETE' THEN 'row removed' ELSE 'table emptied' END),
    'table', audit.text(changed), 'before', before, 'after', after, 'by', audit.text(session_user::text), 'at', audit.text(ops.utc(now()))));
  RETURN NULL;
END $$;

-- What is in a table when watching begins is recorded once, as found.
DO $$
DECLARE watched text; found_rows text;
BEGIN
  PERFORM vault.make_key('person:' || p.person_id) FROM (SELECT DISTINCT d.person_id FROM review.identity d) AS p
  WHERE NOT EXISTS (SELECT FROM audit.record r WHERE r.subject = 'setting:review.identity');
  FOREACH watched IN ARRAY ARRAY['review.person', 'review.identity', 'review.authority', 'review.quorum_rule', 'review.duty_rule', 'review.absence', 'review.substitute', 'review.escalation', 'review.oversight_limit', 'ledger.tolerance', 'ledger.setting', 'ledger.hold_code', 'review.reason_code', 'ledger.account',
                                 'ledger.account_role', 'ledger.fiscal_period', 'ledger.holiday', 'purchasing.uom_factor', 'audit.retention', 'audit.record_class', 'ops.entity', 'ops.installed_text'] LOOP
    EXECUTE format('DROP TRIGGER IF EXISTS recorded ON %s', watched);
    EXECUTE format('CREATE TRIGGER recorded AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION audit.record_change()', watched);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER recorded', watched);
    EXECUTE format('DROP TRIGGER IF EXISTS emptying_recorded ON %s', watched);
    EXECUTE format('CREATE TRIGGER emptying_recorded AFTER TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION audit.record_change()', watched);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER emptying_recorded', watched);
    IF NOT EXISTS (SELECT FROM audit.record r WHERE r.subject = 'setting:' || watched) THEN
      EXECUTE format('SELECT coalesce(string_agg(x.line, '','' ORDER BY x.line COLLATE "C"), '''') FROM %s t, LATERAL (SELECT audit.row_text(%L, to_jsonb(t)) AS line) x', watched, watched) INTO found_rows;
      PERFORM audit.append('policy', 'setting:' || watched, audit.object('step', audit.text('on record'), 'table', audit.text(watched),
        'rows', '[' || found_rows || ']', 'by', audit.text(session_user::text), 'at', audit.text(ops.utc(now()))));
    END IF;
  END LOOP;
END $$;

-- What acts by itself in the database, and who has which right: as installed, in the log itself. Whatever differs later was changed past
-- the installation.
DO $$
DECLARE
  installed record;
  about text := 'setting:installed';
BEGIN
  SET LOCAL search_path = pg_catalog, pg_temp;
  SELECT '[' || string_agg(audit.text(x.line), ',' ORDER BY x.line COLLATE "C") || ']' AS rights INTO installed FROM (
    {{ include: governance/current_rights }}
  ) x;
  PERFORM audit.append('policy', about || '.rights', audit.object('step', audit.text('installed'), 'rights', installed.rights, 'by', audit.text(session_user::text), 'at', audit.text(ops.utc(now()))))
  WHERE NOT EXISTS (SELECT FROM (SELECT r.body FROM audit.record r WHERE r.subject = about || '.rights' ORDER BY r.n DESC LIMIT 1) l
                    WHERE convert_from(l.body, 'UTF8')::jsonb -> 'rights' = installed.rights::jsonb);
  SELECT audit.object(VARIADIC array_agg(x.part)) AS objects INTO installed FROM (
    SELECT unnest(ARRAY[c.name, audit.text(c.sha256)]) AS part FROM (
      {{ include: governance/current_objects }}
    ) c) x;
  PERFORM audit.append('policy', about || '.objects', audit.object('step', audit.text('installed'), 'objects', installed.objects,
    'server', audit.text((current_setting('server_version_num')::integer / 10000)::text), 'by', audit.text(session_user::text), 'at', audit.text(ops.utc(now()))))
  WHERE NOT EXISTS (SELECT FROM (SELECT r.body FROM audit.record r WHERE r.subject = about || '.objects' ORDER BY r.n DESC LIMIT 1) l
                    WHERE convert_from(l.body, 'UTF8')::jsonb -> 'objects' = installed.objects::jsonb);
END $$;
