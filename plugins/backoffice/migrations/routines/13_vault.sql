-- Keys of persons, and what of them enters the log: encrypted by the pages under the person's own key, so that destroying the key
-- erases it there while every hash stays.
CREATE OR REPLACE FUNCTION audit.personal(subject_in text, sealed_in text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN audit.object('personal', audit.text(sealed_in), 'subject', audit.text(subject_in));

CREATE OR REPLACE FUNCTION review.refuse(state_in text, message_in text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  RAISE EXCEPTION '%', message_in USING ERRCODE = state_in;
END $$;

-- The active person behind a log-in; refused when there is none.
CREATE OR REPLACE FUNCTION review.person_behind(system_in text, user_in text) RETURNS review.person
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE found review.person;
BEGIN
  SELECT p.* INTO found FROM review.identity d JOIN review.person p ON p.person_id = d.person_id AND p.active WHERE d.system = system_in AND d.user_id = user_in;
  IF found.person_id IS NULL THEN
    PERFORM review.refuse('BO401', format('the log-in %s is mapped to no active person; ask for it in review.identity', user_in));
  END IF;
  RETURN found;
END $$;

-- The key of a subject, held for the rest of the transaction: it is not destroyed while something is written under it. Refused when
-- it was destroyed, and when the log knows the subject but the vault does not: then the vault was not restored with the log.
CREATE OR REPLACE FUNCTION vault.hold_key(subject_in text) RETURNS bytea
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE found vault.subject_key;
BEGIN
  SELECT k.* INTO found FROM vault.subject_key k WHERE k.subject = subject_in FOR SHARE;
  IF found.subject IS NULL THEN
    PERFORM review.refuse('BO409', format('there is no key for %s', subject_in));
  ELSIF found.key IS NULL THEN
    PERFORM review.refuse('BO409', format('%s was erased; nothing more can be recorded under that name. A person who comes back is entered as a new one', subject_in));
  END IF;
  RETURN found.key;
END $$;

-- Make the key of a subject that never had one. Refused when the log holds something under a key that is not there.
CREATE OR REPLACE FUNCTION vault.make_key(subject_in text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  IF EXISTS (SELECT FROM vault.subject_key k WHERE k.subject = subject_in) THEN RETURN; END IF;
  IF EXISTS (SELECT FROM audit.personal_use u WHERE u.subject = subject_in) THEN
    PERFORM review.refuse('BO409', format('the key of %s is missing although the log holds something of it: restore the schema vault', subject_in));
  END IF;
  -- two random identifiers are 244 random bits of the server's own strong source; the hash makes a key of them
  INSERT INTO vault.subject_key AS k (subject, key) VALUES (subject_in, sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())))
  ON CONFLICT DO NOTHING;
END $$;

-- How a person's log-in or user id stands in the log: hashed under the person's key, so that it can be compared while the key is there,
-- and neither read nor tried out once it is destroyed. Null without a key.
CREATE OR REPLACE FUNCTION audit.user_hash(person_in text, user_in text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT encode(sha256(k.key || sha256(k.key || convert_to('user id ' || user_in, 'UTF8'))), 'hex') FROM vault.subject_key k WHERE k.subject = 'person:' || person_in AND k.key IS NOT NULL
$$;

-- For the pages: the key of the person who acts, made now if they have none yet. Only one's own, by log-in.
CREATE OR REPLACE FUNCTION vault.writing_key(system_in text, user_in text, OUT subject text, OUT key bytea)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  subject := 'person:' || (review.person_behind(system_in, user_in)).person_id;
  PERFORM vault.make_key(subject);
  key := vault.hold_key(subject);
END $$;

-- For the auditor: the key that opens what the log holds of a subject; null once it was destroyed, no row when there never was one.
CREATE OR REPLACE FUNCTION vault.reading_key(subject_in text) RETURNS TABLE (key bytea, destroyed_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT k.key, k.destroyed_at FROM vault.subject_key k WHERE k.subject = subject_in
$$;

-- Is this what the pages make of that text: version byte, nonce, text padded to 64 bytes, tag? The database has no cipher and cannot
-- open it; a form that does not fit is refused.
CREATE OR REPLACE FUNCTION vault.check_sealed(plain_in text, sealed_in text) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE raw bytea; fits boolean;
BEGIN
  BEGIN
    raw := decode(sealed_in, 'base64');
    fits := translate(encode(raw, 'base64'), E'\n', '') = sealed_in AND get_byte(raw, 0) = 1
      AND octet_length(raw) = 1 + 12 + (octet_length(convert_to(plain_in, 'UTF8')) / 64 + 1) * 64 + 16;
  EXCEPTION WHEN data_exception THEN
    fits := false;
  END;
  IF fits IS NOT TRUE THEN
    PERFORM review.refuse('BO422', 'what a person said comes without its encrypted form; nothing is recorded');
  END IF;
END $$;

-- Record what a person did. Who they logged in as and their own words enter the log encrypted; the person's id stays as pseudonym.
-- No key, no act.
CREATE OR REPLACE FUNCTION vault.append_act(kind_in text, person_in text, subject_in text, principal_in text, reason_in text, sealed_in text, VARIADIC pairs text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM vault.hold_key('person:' || person_in);
  PERFORM vault.check_sealed(audit.object('principal', audit.text(principal_in), 'reason', audit.text(reason_in)), sealed_in);
  PERFORM audit.append(kind_in, subject_in, audit.object(VARIADIC pairs || ARRAY['person_id', audit.text(person_in),
    'principal_and_reason', audit.personal('person:' || person_in, sealed_in), 'at', audit.text(ops.utc(now()))]));
  PERFORM vault.note_use('person:' || person_in, subject_in, kind_in);
END $$;

CREATE OR REPLACE FUNCTION vault.note_use(subject_in text, record_subject_in text, kind_in text) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO audit.personal_use AS u (subject, record_subject, kind, last_at) VALUES (subject_in, record_subject_in, kind_in, now())
  ON CONFLICT (subject, record_subject, kind) DO UPDATE SET last_at = greatest(u.last_at, excluded.last_at)
$$;

-- What people did about policies, cases and the log is append-only, but for what they said: that is cleared for a person whose key is
-- destroyed, and for nobody else. Nothing else of the row changes, and nothing comes into its place but that it was erased.
CREATE OR REPLACE FUNCTION vault.refuse_change_but_erasure() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND to_jsonb(NEW) - ARRAY['principal', 'reason'] = to_jsonb(OLD) - ARRAY['principal', 'reason']
     AND NEW.principal IN (OLD.principal, 'erased') AND NEW.reason IN (OLD.reason, 'erased')
     AND EXISTS (SELECT FROM vault.subject_key k WHERE k.subject = 'person:' || OLD.person_id AND k.key IS NULL) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION '%.% is append-only; a correction is a new record', TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'BO403';
END $$;
DO $$
DECLARE protected text;
BEGIN
  FOREACH protected IN ARRAY ARRAY['review.policy_act', 'review.case_act', 'audit.log_proposal', 'audit.log_confirmation'] LOOP
    EXECUTE format('DROP TRIGGER IF EXISTS append_only ON %s', protected);
    EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION vault.refuse_change_but_erasure()', protected);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER append_only', protected);
    EXECUTE format('DROP TRIGGER IF EXISTS never_emptied ON %s', protected);
    EXECUTE format('CREATE TRIGGER never_emptied BEFORE TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change()', protected);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER never_emptied', protected);
  END LOOP;
END $$;
