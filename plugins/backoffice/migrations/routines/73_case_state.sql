-- Where a case stands between its opening and its decision, its clock and its chain, and how acts on it are entered: each locks the
-- case, leaves a row in review.case_act or review.case_step and a record of subject case:<id>, and none of them decides anything.

-- Now, on the clock of cases; a simulated one (tests, drills) is ahead.
CREATE OR REPLACE FUNCTION review.clock() RETURNS timestamptz
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT now() + coalesce((SELECT c.ahead FROM ops.simulated_clock c), '0')
$$;

-- A number of the ledger's settings, or what counts when it is not set.
CREATE OR REPLACE FUNCTION review.setting(name_in text, unless_set bigint) RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce((SELECT s.value::bigint FROM ledger.setting s WHERE s.name = name_in AND s.value ~ '^[0-9]{1,15}$'), unless_set)
$$;

-- The chain of a case: per level the row that names its process and role most exactly.
CREATE OR REPLACE FUNCTION review.chain(process_in text, role_in text) RETURNS SETOF review.escalation
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT DISTINCT ON (e.level) e.* FROM review.escalation e WHERE e.process IN ('*', process_in) AND e.role IN ('*', role_in)
  ORDER BY e.level, e.role = '*', e.process = '*'
$$;

-- A case that moves on is in nobody's hands and waits for nothing. Other facts are another priority.
CREATE OR REPLACE FUNCTION review.move_case_on() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.state <> OLD.state THEN
    NEW.claimed_by := NULL; NEW.claimed_at := NULL;
    NEW.waited := NEW.waited + coalesce(review.clock() - NEW.waiting_since, '0');
    NEW.waiting_since := NULL;
  END IF;
  NEW.prioritised_on := NULL;
  RETURN NEW;
END $$;
-- By when a case should be decided: before it goes to the next role, and before the day of payment and that of a discount which can
-- still be had. The time that it waited for information does not count. And when the next level of its chain comes.
CREATE OR REPLACE FUNCTION review.time_case() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE first_hours numeric; next_hours numeric;
BEGIN
  SELECT min(x.after_hours) FILTER (WHERE x.step = 'escalate'), (array_agg(x.after_hours ORDER BY x.level) FILTER (WHERE x.level > NEW.escalation_level))[1] INTO first_hours, next_hours
  FROM review.chain(NEW.process, NEW.role) x;
  NEW.due_at := least(NEW.opened_at + NEW.waited + first_hours * interval '1 hour',
    (SELECT least(NEW.due_date, CASE WHEN NEW.discount_date >= ops.business_date(e.entity) THEN NEW.discount_date END)::timestamp AT TIME ZONE e.time_zone
     FROM ops.entity e WHERE e.entity = NEW.entity));
  NEW.next_level_at := CASE WHEN NEW.state IN ('open', 'half_decided') THEN NEW.opened_at + NEW.waited + next_hours * interval '1 hour' END;
  RETURN NEW;
END $$;
-- The chain changed: so did when its levels come.
CREATE OR REPLACE FUNCTION review.time_cases_anew() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE review.case c SET next_level_at = NULL WHERE c.state IN ('open', 'half_decided');
  RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS moves_on ON review.case;
CREATE TRIGGER moves_on BEFORE UPDATE ON review.case FOR EACH ROW
  WHEN ((NEW.state, NEW.title, NEW.amount, NEW.due_date, NEW.discount_date, NEW.escalated_role) IS DISTINCT FROM (OLD.state, OLD.title, OLD.amount, OLD.due_date, OLD.discount_date, OLD.escalated_role))
  EXECUTE FUNCTION review.move_case_on();
ALTER TABLE review.case ENABLE ALWAYS TRIGGER moves_on;
DROP TRIGGER IF EXISTS timed ON review.case;
CREATE TRIGGER timed BEFORE INSERT ON review.case FOR EACH ROW EXECUTE FUNCTION review.time_case();
ALTER TABLE review.case ENABLE ALWAYS TRIGGER timed;
DROP TRIGGER IF EXISTS timed_anew ON review.case;
CREATE TRIGGER timed_anew BEFORE UPDATE ON review.case FOR EACH ROW
  WHEN (NEW.next_level_at IS NULL OR (NEW.state, NEW.opened_at, NEW.waited, NEW.due_date, NEW.discount_date, NEW.escalation_level) IS DISTINCT FROM (OLD.state, OLD.opened_at, OLD.waited, OLD.due_date, OLD.discount_date, OLD.escalation_level))
  EXECUTE FUNCTION review.time_case();
ALTER TABLE review.case ENABLE ALWAYS TRIGGER timed_anew;
DROP TRIGGER IF EXISTS times_cases ON review.escalation;
CREATE TRIGGER times_cases AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON review.escalation FOR EACH STATEMENT EXECUTE FUNCTION review.time_cases_anew();
ALTER TABLE review.escalation ENABLE ALWAYS TRIGGER times_cases;
UPDATE review.case c SET next_level_at = NULL WHERE c.state IN ('open', 'half_decided') AND c.due_at IS NULL; -- cases of before

DO $$
DECLARE protected text;
BEGIN
  FOREACH protected IN ARRAY ARRAY['review.attachment', 'review.case_step'] LOOP
    EXECUTE format('DROP TRIGGER IF EXISTS append_only ON %s', protected);
    EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change()', protected);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER append_only', protected);
  END LOOP;
END $$;

-- Where a case stands, in one word, and how long its clock has run.
CREATE OR REPLACE VIEW review.case_status AS
SELECT c.case_id,
       CASE WHEN c.state NOT IN ('open', 'half_decided') THEN c.state WHEN c.waiting_since IS NOT NULL THEN 'waiting' WHEN c.claimed_by IS NOT NULL THEN 'claimed'
            WHEN c.state = 'half_decided' THEN 'half_decided' WHEN c.escalated_role IS NOT NULL THEN 'escalated' ELSE 'open' END AS status,
       coalesce(c.closed_at, c.waiting_since, t.now) - c.opened_at - c.waited AS on_clock
FROM review.case c CROSS JOIN (SELECT review.clock() AS now) t;

-- When did who has a case last do something with it?
CREATE OR REPLACE FUNCTION review.last_touch(k review.case) RETURNS timestamptz
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT greatest(k.claimed_at, (SELECT max(a.acted_at) FROM review.case_act a WHERE a.case_id = k.case_id AND a.person_id = k.claimed_by))
$$;

-- A claim ends when nothing was done for the time set (claim_idle_minutes, eight hours); while it waits for information it does not.
CREATE OR REPLACE FUNCTION review.is_idle(k review.case) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT k.claimed_by IS NOT NULL AND k.waiting_since IS NULL AND review.last_touch(k) + review.setting('claim_idle_minutes', 480) * interval '1 minute' <= review.clock()
$$;

CREATE OR REPLACE FUNCTION review.name_of(person_in text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT p.name FROM review.person p WHERE p.person_id = person_in
$$;

-- Refuse who is not the one that has the case. A claim that was left alone for too long holds nobody up.
CREATE OR REPLACE FUNCTION review.check_claim(k review.case, person_in text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF k.claimed_by <> person_in AND NOT review.is_idle(k) THEN
    PERFORM review.refuse('BO409', format('%s has claimed case %s since %s; ask them to release it or to hand it on', review.name_of(k.claimed_by), k.case_id,
      to_char(k.claimed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"')));
  END IF;
END $$;

-- Does this person hold one of these roles for the case, today? Amounts do not matter here: who may not decide may still work on it.
CREATE OR REPLACE FUNCTION review.holds_role(person_in text, k review.case, VARIADIC roles text[]) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM review.authority u WHERE u.person_id = person_in AND u.role = ANY (roles) AND u.process IN ('*', k.process) AND u.entity IN ('*', k.entity)
    AND ops.business_date(k.entity) BETWEEN u.effective_from AND coalesce(u.effective_to, 'infinity'))
$$;
-- Is this person told when the case is not decided? Such a person may take it from one and give it to another.
CREATE OR REPLACE FUNCTION review.stands_above(person_in text, k review.case) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT review.holds_role(person_in, k, VARIADIC coalesce((SELECT array_agg(e.to_role) FROM review.chain(k.process, k.role) e WHERE e.step = 'escalate'), '{}'))
$$;

-- The question that a case waits for.
CREATE OR REPLACE FUNCTION review.open_question(k review.case) RETURNS review.case_act
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT a FROM review.case_act a WHERE a.case_id = k.case_id AND a.act = 'ask' AND k.waiting_since IS NOT NULL
    AND NOT EXISTS (SELECT FROM review.case_act i WHERE i.answers = a.act_id) ORDER BY a.act_id DESC LIMIT 1
$$;

-- The case for an act on it, locked: acts on one case take turns. For this person it is there when they may read it or are asked about it.
CREATE OR REPLACE FUNCTION review.case_in_hand(case_in bigint, person_in text) RETURNS review.case
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE k review.case;
BEGIN
  SELECT * INTO k FROM review.case c WHERE c.case_id = case_in FOR UPDATE;
  IF k.case_id IS NULL OR NOT (review.may_read(person_in, k.process, k.entity) OR (review.open_question(k)).to_person IS NOT DISTINCT FROM person_in) THEN
    PERFORM review.refuse('BO404', format('there is no case %s that you may see', case_in));
  END IF;
  RETURN k;
END $$;
CREATE OR REPLACE FUNCTION review.check_alive(k review.case) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF k.state NOT IN ('open', 'half_decided') THEN
    PERFORM review.refuse('BO409', format('case %s is %s; there is nothing left to do', k.case_id, replace(k.state, '_', ' ')));
  END IF;
END $$;
-- Refuse words that are none, at the field where they are missing.
CREATE OR REPLACE FUNCTION review.check_words(words_in text, field_in text) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF coalesce(trim(words_in), '') = '' THEN
    RAISE EXCEPTION 'say it in words' USING ERRCODE = 'BO422', COLUMN = field_in;
  ELSIF length(words_in) > 4000 THEN
    RAISE EXCEPTION 'these are more than 4000 letters' USING ERRCODE = 'BO422', COLUMN = field_in;
  END IF;
END $$;

-- What an act on a case answers.
CREATE OR REPLACE FUNCTION review.case_answer(case_in bigint, act_in bigint) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_build_object('case_id', c.case_id, 'status', s.status, 'act_id', act_in, 'claimed_by', c.claimed_by, 'claimed_by_name', review.name_of(c.claimed_by),
    'due_at', ops.utc(c.due_at), 'waiting_since', ops.utc(c.waiting_since), 'escalated_role', c.escalated_role)
  FROM review.case c JOIN review.case_status s ON s.case_id = c.case_id WHERE c.case_id = case_in
$$;

-- The act under this key, when it is the same act again; another one is refused.
CREATE OR REPLACE FUNCTION review.act_again(key_in text, case_in bigint, person_in text, act_in text, reason_in text, to_in text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE earlier review.case_act;
BEGIN
  SELECT * INTO earlier FROM review.case_act a WHERE a.idempotency_key = key_in;
  IF earlier.act_id IS NOT NULL AND ((earlier.case_id, earlier.person_id, earlier.act, earlier.reason) IS DISTINCT FROM (case_in, person_in, act_in, reason_in)
      OR act_in IN ('reassign', 'ask') AND to_in NOT IN (coalesce(earlier.to_person, ''), coalesce(earlier.whom, ''), 'person:' || coalesce(earlier.to_person, ''))) THEN
    PERFORM review.refuse('BO409', 'this idempotency key was used for another act');
  END IF;
  RETURN earlier.act_id;
END $$;

-- What bytes are, by themselves: what a sender calls them does not count.
CREATE OR REPLACE FUNCTION review.media_type_of(content_in bytea) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE head text := encode(substring(content_in FOR 16), 'hex'); as_text text;
BEGIN
  IF head LIKE '255044462d%' THEN RETURN 'application/pdf';
  ELSIF head LIKE '89504e470d0a1a0a%' THEN RETURN 'image/png';
  ELSIF head LIKE 'ffd8ff%' THEN RETURN 'image/jpeg';
  ELSIF head LIKE '474946383%' THEN RETURN 'image/gif';
  ELSIF head LIKE '49492a00%' OR head LIKE '4d4d002a%' THEN RETURN 'image/tiff';
  ELSIF head LIKE '504b0304%' THEN RETURN 'application/zip';
  END IF;
  BEGIN
    as_text := convert_from(content_in, 'UTF8');
  EXCEPTION WHEN character_not_in_repertoire OR untranslatable_character OR data_exception THEN
    RETURN 'application/octet-stream';
  END;
  IF as_text ~ '[\x01-\x08\x0b\x0e-\x1f\x7f]' THEN RETURN 'application/octet-stream';
  ELSIF as_text ~* '<\s*(!doctype\s+html|html|head|body|script|svg|iframe|object|embed)[\s>/]' THEN RETURN 'text/html';
  ELSIF ltrim(as_text, E'\ufeff \t\r\n') LIKE '<?xml%' THEN RETURN 'application/xml';
  END IF;
  RETURN 'text/plain';
END $$;

-- Enter an act: its row, and its record with the person's words encrypted.
DROP FUNCTION IF EXISTS review.enter_act(review.case, text, text, text, text, text, text, text, text, integer, bigint, bytea);
CREATE OR REPLACE FUNCTION review.enter_act(k review.case, person_in text, principal_in text, act_in text, reason_in text, key_in text, sealed_in text, to_in text DEFAULT NULL,
                                            whom_in text DEFAULT NULL, round_in integer DEFAULT NULL, answers_in bigint DEFAULT NULL, file_in bytea DEFAULT NULL, items_in integer[] DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE entered review.case_act;
BEGIN
  INSERT INTO review.case_act (case_id, act, person_id, principal, reason, to_person, whom, round, answers, idempotency_key, acted_at)
  VALUES (k.case_id, act_in, person_in, principal_in, reason_in, to_in, whom_in, round_in, answers_in, key_in, review.clock())
  ON CONFLICT (idempotency_key) DO NOTHING RETURNING * INTO entered;
  IF entered.act_id IS NULL THEN -- the same key for another case, at the same moment
    PERFORM review.refuse('BO409', 'this idempotency key was used for another act');
  END IF;
  IF act_in = 'attach' THEN
    INSERT INTO review.attachment (act_id, case_id, media_type, bytes, sha256, content)
    VALUES (entered.act_id, k.case_id, review.media_type_of(file_in), octet_length(file_in), sha256(file_in), file_in);
  END IF;
  PERFORM vault.append_act('human', person_in, 'case:' || k.case_id, principal_in, reason_in, sealed_in,
    'step', audit.text('act on a case'), 'act', audit.text(act_in), 'act_id', audit.text(entered.act_id::text), 'case_id', audit.text(k.case_id::text),
    'to_person', audit.text(to_in), 'whom', audit.text(whom_in), 'round', audit.text(round_in::text), 'answers', audit.text(answers_in::text),
    'sha256', audit.text(encode(sha256(file_in), 'hex')), 'bytes', audit.text(octet_length(file_in)::text), 'media_type', audit.text(review.media_type_of(file_in)),
    'items', audit.text(array_to_string(items_in, ', ')), 'acted_at', audit.text(ops.utc(entered.acted_at)));
  RETURN entered.act_id;
END $$;

-- Enter what was done with cases without a person: rows, and records.
CREATE OR REPLACE FUNCTION review.enter_steps(steps review.case_step[]) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE subjects text[]; bodies text[];
BEGIN
  WITH entered AS (
    INSERT INTO review.case_step (case_id, step, person_id, level, role, priority, rule, run_id, taken_at)
    SELECT s.case_id, s.step, s.person_id, s.level, s.role, s.priority, s.rule, s.run_id, review.clock() FROM unnest(steps) AS s ORDER BY s.case_id RETURNING *
  )
  SELECT array_agg('case:' || e.case_id ORDER BY e.step_id), array_agg(audit.object('step', audit.text('step of a case'), 'taken', audit.text(e.step), 'step_id', audit.text(e.step_id::text),
           'case_id', audit.text(e.case_id::text), 'of_person', audit.text(e.person_id), 'level', audit.text(e.level::text), 'role', audit.text(e.role), 'priority', audit.text(e.priority::text),
           'rule', audit.text(e.rule), 'run_id', audit.text(e.run_id::text), 'taken_at', audit.text(ops.utc(e.taken_at)), 'at', audit.text(ops.utc(now()))) ORDER BY e.step_id)
  INTO subjects, bodies FROM entered e;
  IF subjects IS NULL THEN RETURN 0; END IF;
  PERFORM audit.append_many('path', subjects, bodies);
  RETURN cardinality(subjects);
END $$;
CREATE OR REPLACE FUNCTION review.case_step(case_in bigint, step_in text, person_in text DEFAULT NULL, level_in integer DEFAULT NULL, role_in text DEFAULT NULL, run_in bigint DEFAULT NULL,
                                            priority_in integer DEFAULT NULL, rule_in text DEFAULT NULL) RETURNS review.case_step
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT ROW(NULL::bigint, case_in, step_in, person_in, level_in, role_in, priority_in::smallint, rule_in, run_in, NULL::timestamptz)::review.case_step
$$;
