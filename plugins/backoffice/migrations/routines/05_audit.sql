-- Canonical JSON: keys sorted by code point, no white space, every scalar a string. The Python twin is backoffice.domain.canonical.
CREATE OR REPLACE FUNCTION audit.text(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN coalesce(to_json(value)::text, 'null');

CREATE OR REPLACE FUNCTION audit.number(value numeric) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN coalesce('"' || trim_scale(value)::text || '"', 'null');

-- Alternating key and already encoded value.
CREATE OR REPLACE FUNCTION audit.object(VARIADIC pairs text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN (SELECT '{' || string_agg(to_json(pairs[i])::text || ':' || coalesce(pairs[i + 1], 'null'), ',' ORDER BY pairs[i] COLLATE "C") || '}'
        FROM generate_series(1, array_length(pairs, 1), 2) AS i);

-- One record, or many of one kind at once; each subject counts its own records without gaps. Kind, subject and number stand in the
-- bytes too, under a key that sorts before every other: what is sealed says itself what it is about and which record it is.
-- Tasks of one run write about it at the same time: they take turns. Everything else is under its process' lock.
CREATE OR REPLACE FUNCTION audit.append_many(kind_in text, subjects text[], bodies text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan SET work_mem = '256MB' AS $$
#variable_conflict use_column
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('backoffice:audit:' || s.subject, 0))
  FROM (SELECT DISTINCT subject FROM unnest(subjects) AS subject WHERE subject LIKE 'run:%' OR subject = 'log' ORDER BY subject) AS s;
  WITH numbered AS MATERIALIZED (
    SELECT k.subject, k.place, coalesce((SELECT max(r.n) FROM audit.record r WHERE r.subject = k.subject), 0) + k.k AS n
    FROM (SELECT g.subject, g.place, row_number() OVER (PARTITION BY g.subject ORDER BY g.place) AS k FROM unnest(subjects) WITH ORDINALITY AS g(subject, place)) k
  ), written AS (
    INSERT INTO audit.record (subject, n, kind, body)
    SELECT whole.subject, whole.n, kind_in, whole.body
    FROM (SELECT g.subject, g.n, g.place, convert_to('{"_record":["' || kind_in || '",' || to_json(g.subject)::text || ',"' || g.n || '"]'
                   || overlay(b.body PLACING CASE b.body WHEN '{}' THEN '' ELSE ',' END FROM 1 FOR 1), 'UTF8') AS body
          FROM numbered g JOIN unnest(bodies) WITH ORDINALITY AS b(body, place) ON b.place = g.place OFFSET 0) whole
    ORDER BY whole.place RETURNING record_id
  )
  INSERT INTO audit.waiting (record_id) SELECT w.record_id FROM written w;
END $$;
CREATE OR REPLACE FUNCTION audit.append(kind_in text, subject_in text, body_in text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT audit.append_many(kind_in, ARRAY[subject_in], ARRAY[body_in])
$$;

-- What tasks may record themselves: calls to sources and paths taken. Decisions, effects and human acts come from the act functions.
CREATE OR REPLACE FUNCTION audit.record_calls(run_in bigint, calls jsonb) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE subjects text[]; bodies text[];
BEGIN
  SELECT array_agg('run:' || run_in ORDER BY place), array_agg(audit.object(
      'run_id', audit.text(run_in::text), 'method', audit.text(call ->> 'method'), 'url', audit.text(call ->> 'url'),
      'status', audit.text(call ->> 'status'), 'sha256', audit.text(call ->> 'sha256'), 'size', audit.text(call ->> 'size'),
      'at', audit.text(call ->> 'at'), 'recorded_at', audit.text(ops.utc(now()))) ORDER BY place)
  INTO subjects, bodies FROM jsonb_array_elements(calls) WITH ORDINALITY AS given(call, place);
  IF subjects IS NULL THEN RETURN 0; END IF;
  PERFORM audit.append_many('api_call', subjects, bodies);
  RETURN cardinality(subjects);
END $$;

CREATE OR REPLACE FUNCTION audit.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION '%.% is append-only; a correction is a new record', TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'BO403';
END $$;

DO $$
DECLARE protected text;
BEGIN
  FOREACH protected IN ARRAY ARRAY['audit.leaf', 'audit.purged', 'audit.seal', 'audit.sealing_key', 'audit.block', 'audit.anchor', 'ledger.journal_entry', 'ledger.journal_line', 'ledger.decision',
                                   'intake.document', 'purchasing.master_version'] LOOP
    EXECUTE format('DROP TRIGGER IF EXISTS append_only ON %s', protected);
    EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change()', protected);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER append_only', protected);
  END LOOP;
END $$;

-- A record may lose its body, and nothing else of it may change, when a record of the same transaction says that it is purged: no flag
-- and no role opens this, only that record, which is sealed like any other (audit.purge, docs/explanation/personal-data.md).
CREATE OR REPLACE FUNCTION audit.refuse_change_but_purge() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF (SELECT count(*) FROM was) <> (
    SELECT count(*) FROM was o JOIN becomes n ON n.record_id = o.record_id
    JOIN audit.leaf l ON l.record_id = o.record_id JOIN audit.purged p ON p.leaf_index = l.leaf_index
    JOIN audit.record e ON e.record_id = p.erasure AND e.kind = 'erasure' AND e.xid = pg_current_xact_id()
    WHERE o.body IS NOT NULL AND n.body IS NULL
      AND (n.subject, n.n, n.kind, n.leaf, n.xid, n.recorded_at) = (o.subject, o.n, o.kind, o.leaf, o.xid, o.recorded_at)) THEN
    RAISE EXCEPTION 'audit.record is append-only; a correction is a new record' USING ERRCODE = 'BO403';
  END IF;
  RETURN NULL;
END $$;
-- The leaf of a record is made of its body here and nowhere else: whatever a writer says of it is overwritten.
CREATE OR REPLACE FUNCTION audit.make_leaf() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.body IS NULL THEN
    RAISE EXCEPTION 'a record without a body is none' USING ERRCODE = 'BO403';
  END IF;
  NEW.leaf := sha256('\x00'::bytea || NEW.body);
  RETURN NEW;
END $$;
DROP TRIGGER IF EXISTS append_only ON audit.record;
CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON audit.record FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
ALTER TABLE audit.record ENABLE ALWAYS TRIGGER append_only;
DROP TRIGGER IF EXISTS nothing_but_purge ON audit.record;
CREATE TRIGGER nothing_but_purge AFTER UPDATE ON audit.record REFERENCING OLD TABLE AS was NEW TABLE AS becomes FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change_but_purge();
ALTER TABLE audit.record ENABLE ALWAYS TRIGGER nothing_but_purge;
DROP TRIGGER IF EXISTS leaf_is_hash_of_body ON audit.record;
CREATE TRIGGER leaf_is_hash_of_body BEFORE INSERT ON audit.record FOR EACH ROW EXECUTE FUNCTION audit.make_leaf();
ALTER TABLE audit.record ENABLE ALWAYS TRIGGER leaf_is_hash_of_body;
