-- The life of a case between its opening and its decision: who has it, what is asked, said and attached. Every act of a person here
-- locks the case, leaves a row in review.case_act and a record of subject case:<id>, and none of them decides anything.

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
-- By when a case should be decided: before it goes to the next role, and before the day of payment. The time that it waited for
-- information does not count. And when the next level of its chain comes.
CREATE OR REPLACE FUNCTION review.time_case() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE first_hours numeric; next_hours numeric;
BEGIN
  SELECT min(x.after_hours) FILTER (WHERE x.step = 'escalate'), (array_agg(x.after_hours ORDER BY x.level) FILTER (WHERE x.level > NEW.escalation_level))[1] INTO first_hours, next_hours
  FROM (SELECT DISTINCT ON (e.level) e.level, e.after_hours, e.step FROM review.escalation e WHERE e.process IN ('*', NEW.process) AND e.role IN ('*', NEW.role)
        ORDER BY e.level, e.role = '*', e.process = '*') x;
  NEW.due_at := least(NEW.opened_at + NEW.waited + first_hours * interval '1 hour',
    (SELECT NEW.due_date::timestamp AT TIME ZONE e.time_zone FROM ops.entity e WHERE e.entity = NEW.entity));
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
  WHEN ((NEW.state, NEW.title, NEW.amount, NEW.due_date, NEW.escalated_role) IS DISTINCT FROM (OLD.state, OLD.title, OLD.amount, OLD.due_date, OLD.escalated_role))
  EXECUTE FUNCTION review.move_case_on();
ALTER TABLE review.case ENABLE ALWAYS TRIGGER moves_on;
DROP TRIGGER IF EXISTS timed ON review.case;
CREATE TRIGGER timed BEFORE INSERT ON review.case FOR EACH ROW EXECUTE FUNCTION review.time_case();
ALTER TABLE review.case ENABLE ALWAYS TRIGGER timed;
DROP TRIGGER IF EXISTS timed_anew ON review.case;
CREATE TRIGGER timed_anew BEFORE UPDATE ON review.case FOR EACH ROW
  WHEN (NEW.next_level_at IS NULL OR (NEW.state, NEW.opened_at, NEW.waited, NEW.due_date, NEW.escalation_level) IS DISTINCT FROM (OLD.state, OLD.opened_at, OLD.waited, OLD.due_date, OLD.escalation_level))
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

-- Enter an act: its row, and its record with the person's words encrypted.
CREATE OR REPLACE FUNCTION review.enter_act(k review.case, person_in text, principal_in text, act_in text, reason_in text, key_in text, sealed_in text, to_in text DEFAULT NULL,
                                            whom_in text DEFAULT NULL, round_in integer DEFAULT NULL, answers_in bigint DEFAULT NULL, file_in bytea DEFAULT NULL) RETURNS bigint
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
    'acted_at', audit.text(ops.utc(entered.acted_at)));
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

-- Take a case. Of two at once the first has it; the other is told who.
CREATE OR REPLACE FUNCTION review.claim_case(case_in bigint, system_in text, user_in text, key_in text, sealed_in text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE person review.person := review.person_behind(system_in, user_in); k review.case := review.case_in_hand(case_in, person.person_id);
  again bigint := review.act_again(key_in, case_in, person.person_id, 'claim', '');
BEGIN
  IF again IS NOT NULL THEN RETURN review.case_answer(case_in, again); END IF;
  PERFORM review.check_alive(k);
  PERFORM review.check_claim(k, person.person_id);
  IF NOT review.holds_role(person.person_id, k, k.role) THEN
    PERFORM review.refuse('BO403', format('%s has no authority as %s and cannot take case %s', person.name, k.role, case_in));
  ELSIF k.state = 'half_decided' AND EXISTS (SELECT FROM review.answer a WHERE a.case_id = case_in AND a.person_id = person.person_id AND NOT a.final) THEN
    PERFORM review.refuse('BO403', format('%s gave the first of two answers; another person takes case %s', person.name, case_in));
  ELSIF k.claimed_by = person.person_id THEN
    RETURN review.case_answer(case_in, NULL);
  ELSIF k.claimed_by IS NOT NULL THEN
    PERFORM review.enter_steps(ARRAY[review.case_step(case_in, 'claim_expired', k.claimed_by)]);
  END IF;
  UPDATE review.case c SET claimed_by = person.person_id, claimed_at = review.clock() WHERE c.case_id = case_in;
  again := review.enter_act(k, person.person_id, system_in || ':' || user_in, 'claim', '', key_in, sealed_in);
  RETURN review.case_answer(case_in, again);
END $$;

-- Give a case back to the queue: who has it, or who stands above.
CREATE OR REPLACE FUNCTION review.release_case(case_in bigint, system_in text, user_in text, reason_in text, key_in text, sealed_in text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE person review.person := review.person_behind(system_in, user_in); k review.case := review.case_in_hand(case_in, person.person_id);
  again bigint := review.act_again(key_in, case_in, person.person_id, 'release', reason_in);
BEGIN
  IF again IS NOT NULL THEN RETURN review.case_answer(case_in, again); END IF;
  PERFORM review.check_alive(k);
  IF k.claimed_by IS NULL THEN
    PERFORM review.refuse('BO409', format('nobody has claimed case %s', case_in));
  ELSIF k.claimed_by <> person.person_id THEN
    IF NOT review.stands_above(person.person_id, k) THEN
      PERFORM review.refuse('BO403', format('%s has claimed case %s; they release it themselves, or whoever stands above', review.name_of(k.claimed_by), case_in));
    END IF;
    PERFORM review.check_words(reason_in, 'reason');
  END IF;
  UPDATE review.case c SET claimed_by = NULL, claimed_at = NULL WHERE c.case_id = case_in;
  again := review.enter_act(k, person.person_id, system_in || ':' || user_in, 'release', reason_in, key_in, sealed_in, k.claimed_by);
  RETURN review.case_answer(case_in, again);
END $$;

-- Hand a case to another person who holds its role.
CREATE OR REPLACE FUNCTION review.reassign_case(case_in bigint, system_in text, user_in text, to_person_in text, reason_in text, key_in text, sealed_in text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE person review.person := review.person_behind(system_in, user_in); k review.case := review.case_in_hand(case_in, person.person_id);
  again bigint := review.act_again(key_in, case_in, person.person_id, 'reassign', reason_in, to_person_in); receiver review.person;
BEGIN
  IF again IS NOT NULL THEN RETURN review.case_answer(case_in, again); END IF;
  PERFORM review.check_alive(k);
  PERFORM review.check_words(reason_in, 'reason');
  IF NOT review.stands_above(person.person_id, k) THEN
    PERFORM review.check_claim(k, person.person_id);
    IF NOT review.holds_role(person.person_id, k, k.role) THEN
      PERFORM review.refuse('BO403', format('%s has no authority as %s and cannot hand case %s on', person.name, k.role, case_in));
    END IF;
  END IF;
  SELECT * INTO receiver FROM review.person p WHERE p.person_id = to_person_in AND p.active;
  IF receiver.person_id IS NULL OR NOT review.holds_role(receiver.person_id, k, k.role) THEN
    RAISE EXCEPTION '%', format('%s is nobody who holds the role %s for this case', coalesce(receiver.name, to_person_in), k.role) USING ERRCODE = 'BO422', COLUMN = 'to_person';
  ELSIF k.claimed_by = receiver.person_id THEN
    RAISE EXCEPTION '%', format('%s has the case already', receiver.name) USING ERRCODE = 'BO422', COLUMN = 'to_person';
  ELSIF EXISTS (SELECT FROM review.answer a WHERE k.state = 'half_decided' AND a.case_id = case_in AND a.person_id = receiver.person_id AND NOT a.final) THEN
    RAISE EXCEPTION '%', format('%s gave the first of two answers; another person takes the case', receiver.name) USING ERRCODE = 'BO422', COLUMN = 'to_person';
  END IF;
  UPDATE review.case c SET claimed_by = receiver.person_id, claimed_at = review.clock() WHERE c.case_id = case_in;
  again := review.enter_act(k, person.person_id, system_in || ':' || user_in, 'reassign', reason_in, key_in, sealed_in, receiver.person_id);
  RETURN review.case_answer(case_in, again);
END $$;

-- Whom a question goes to: the person whom the document names as requester, buyer or receiver, or a colleague (person:<id>).
-- Null for a supplier; refused where nobody is known.
CREATE OR REPLACE FUNCTION review.whom_to_ask(k review.case, whom_in text, asking text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE found text;
BEGIN
  IF whom_in = 'supplier' THEN
    IF k.handover #>> '{supplier,id}' IS NULL AND NOT (k.subject_kind = 'quarantine' AND EXISTS (SELECT FROM intake.quarantine q WHERE q.quarantine_id = k.subject_id AND q.row_content ? 'message_id')) THEN
      RAISE EXCEPTION 'nobody knows who the supplier is' USING ERRCODE = 'BO422', COLUMN = 'whom';
    END IF;
    RETURN NULL;
  ELSIF whom_in IN ('buyer', 'receiver') AND k.subject_kind = 'invoice' THEN
    found := review.person_in_document(k.subject_id, whom_in);
  ELSIF whom_in = 'requester' AND k.subject_kind = 'invoice' THEN
    SELECT d.person_id INTO found FROM purchasing.invoice_line l JOIN purchasing.order_line o ON o.order_line_id = l.order_line_id
    JOIN review.identity d ON d.system = 'erp' AND d.user_id = o.requester JOIN review.person p ON p.person_id = d.person_id AND p.active
    WHERE l.invoice_id = k.subject_id ORDER BY l.position, d.person_id LIMIT 1;
  ELSIF starts_with(whom_in, 'person:') THEN
    SELECT p.person_id INTO found FROM review.person p WHERE p.person_id = substr(whom_in, 8) AND p.active;
  ELSIF coalesce(whom_in, '') NOT IN ('requester', 'buyer', 'receiver') THEN
    RAISE EXCEPTION 'ask the requester, the buyer, the receiver, the supplier, or a colleague as person:<id>' USING ERRCODE = 'BO422', COLUMN = 'whom';
  END IF;
  IF found IS NULL THEN
    RAISE EXCEPTION '%', format('no person is known behind %s of this document; ask a colleague instead', whom_in) USING ERRCODE = 'BO422', COLUMN = 'whom';
  ELSIF found = asking THEN
    RAISE EXCEPTION 'that is you; ask somebody else' USING ERRCODE = 'BO422', COLUMN = 'whom';
  END IF;
  RETURN found;
END $$;

-- Ask for information. The clock stands until it is given, and the case stays with who asked. Two rounds; the third question goes to
-- nobody but up the chain: the case leaves who asked and is the next role's.
CREATE OR REPLACE FUNCTION review.ask_information(case_in bigint, system_in text, user_in text, whom_in text, question_in text, key_in text, sealed_in text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE person review.person := review.person_behind(system_in, user_in); k review.case := review.case_in_hand(case_in, person.person_id);
  again bigint := review.act_again(key_in, case_in, person.person_id, 'ask', question_in, whom_in); asked text; rounds integer; up review.escalation;
BEGIN
  IF again IS NOT NULL THEN RETURN review.case_answer(case_in, again); END IF;
  PERFORM review.check_alive(k);
  PERFORM review.check_claim(k, person.person_id);
  PERFORM review.check_words(question_in, 'question');
  IF NOT review.holds_role(person.person_id, k, k.role) THEN
    PERFORM review.refuse('BO403', format('%s has no authority as %s and cannot ask about case %s', person.name, k.role, case_in));
  ELSIF k.waiting_since IS NOT NULL THEN
    PERFORM review.refuse('BO409', format('case %s waits for information already', case_in));
  END IF;
  asked := review.whom_to_ask(k, whom_in, person.person_id);
  SELECT count(*) + 1 INTO rounds FROM review.case_act a WHERE a.case_id = case_in AND a.act = 'ask';
  IF rounds > 2 THEN
    SELECT * INTO up FROM review.chain(k.process, k.role) e WHERE e.step = 'escalate' AND e.level > k.escalation_level ORDER BY e.level LIMIT 1;
    IF up.level IS NULL THEN
      PERFORM review.refuse('BO409', format('case %s was asked about twice and everybody above knows of it; decide it, or hand it on', case_in));
    END IF;
    UPDATE review.case c SET claimed_by = NULL, claimed_at = NULL, escalation_level = up.level, escalated_role = up.to_role WHERE c.case_id = case_in;
  ELSE
    UPDATE review.case c SET claimed_by = person.person_id, claimed_at = coalesce(CASE WHEN c.claimed_by = person.person_id THEN c.claimed_at END, review.clock()), waiting_since = review.clock()
    WHERE c.case_id = case_in;
  END IF;
  again := review.enter_act(k, person.person_id, system_in || ':' || user_in, 'ask', question_in, key_in, sealed_in, asked,
    CASE WHEN starts_with(whom_in, 'person:') THEN 'colleague' ELSE whom_in END, rounds);
  IF rounds > 2 THEN
    PERFORM review.enter_steps(ARRAY[review.case_step(case_in, 'escalated', NULL, up.level, up.to_role)]);
  ELSIF whom_in = 'supplier' THEN
    INSERT INTO ops.outbox (idempotency_key, destination, written_by, sealed, payload)
    SELECT 'case-question/' || again, 'supplier_message', person.person_id, sealed_in, jsonb_strip_nulls(jsonb_build_object('supplier_id', k.handover #>> '{supplier,id}',
      'in_reply_to', (SELECT q.row_content ->> 'message_id' FROM intake.quarantine q WHERE k.subject_kind = 'quarantine' AND q.quarantine_id = k.subject_id),
      'subject', 'A question about ' || coalesce(k.handover #>> '{document,number}', 'your document') || ' (case ' || k.case_id || ')', 'body', question_in, 'reference', k.subject_key));
  END IF;
  RETURN review.case_answer(case_in, again);
END $$;

-- Give the information that a case waits for: who was asked does, or somebody of its role records what came by another way. The clock
-- runs on, and the case is again in the hands of who asked.
CREATE OR REPLACE FUNCTION review.give_information(case_in bigint, system_in text, user_in text, information_in text, key_in text, sealed_in text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE person review.person := review.person_behind(system_in, user_in); again bigint := review.act_again(key_in, case_in, person.person_id, 'inform', information_in);
  k review.case; question review.case_act;
BEGIN
  IF again IS NOT NULL THEN RETURN review.case_answer(case_in, again); END IF; -- before the case: whose question it was may not read it any more
  k := review.case_in_hand(case_in, person.person_id);
  again := review.act_again(key_in, case_in, person.person_id, 'inform', information_in);
  IF again IS NOT NULL THEN RETURN review.case_answer(case_in, again); END IF;
  PERFORM review.check_alive(k);
  question := review.open_question(k);
  IF question.act_id IS NULL THEN
    PERFORM review.refuse('BO409', format('case %s waits for no information', case_in));
  ELSIF question.to_person IS DISTINCT FROM person.person_id AND NOT review.holds_role(person.person_id, k, k.role) THEN
    PERFORM review.refuse('BO403', format('%s was not asked and has no authority as %s', person.name, k.role));
  END IF;
  PERFORM review.check_words(information_in, 'information');
  UPDATE review.case c SET waited = c.waited + (review.clock() - c.waiting_since), waiting_since = NULL, claimed_at = review.clock(),
    claimed_by = CASE WHEN c.claimed_by IS NOT NULL THEN c.claimed_by ELSE question.person_id END
  WHERE c.case_id = case_in;
  again := review.enter_act(k, person.person_id, system_in || ':' || user_in, 'inform', information_in, key_in, sealed_in, NULL, NULL, NULL, question.act_id);
  RETURN review.case_answer(case_in, again);
END $$;

-- Say something about a case, whatever its state.
CREATE OR REPLACE FUNCTION review.comment_case(case_in bigint, system_in text, user_in text, comment_in text, key_in text, sealed_in text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE person review.person := review.person_behind(system_in, user_in); k review.case := review.case_in_hand(case_in, person.person_id);
  again bigint := review.act_again(key_in, case_in, person.person_id, 'comment', comment_in);
BEGIN
  IF again IS NULL THEN
    PERFORM review.check_words(comment_in, 'comment');
    again := review.enter_act(k, person.person_id, system_in || ':' || user_in, 'comment', comment_in, key_in, sealed_in);
  END IF;
  RETURN review.case_answer(case_in, again);
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

-- Put a file to a case: hashed, of a size and type that are let in (attachment_max_bytes; attachment_types), and never changed afterwards.
CREATE OR REPLACE FUNCTION review.attach_file(case_in bigint, system_in text, user_in text, filename_in text, content_in bytea, key_in text, sealed_in text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE person review.person := review.person_behind(system_in, user_in); k review.case := review.case_in_hand(case_in, person.person_id);
  again bigint := review.act_again(key_in, case_in, person.person_id, 'attach', filename_in); kind text; most bigint := review.setting('attachment_max_bytes', 5242880);
  allowed text := coalesce((SELECT s.value FROM ledger.setting s WHERE s.name = 'attachment_types'), 'application/pdf, image/png, image/jpeg, text/plain, application/xml');
BEGIN
  IF again IS NOT NULL THEN
    IF (SELECT t.sha256 FROM review.attachment t WHERE t.act_id = again) IS DISTINCT FROM sha256(content_in) THEN
      PERFORM review.refuse('BO409', 'this idempotency key was used for another file');
    END IF;
    RETURN review.case_answer(case_in, again);
  END IF;
  PERFORM review.check_words(filename_in, 'filename');
  IF length(filename_in) > 255 THEN
    RAISE EXCEPTION 'the name of the file is longer than 255 letters' USING ERRCODE = 'BO422', COLUMN = 'filename';
  ELSIF coalesce(octet_length(content_in), 0) = 0 THEN
    RAISE EXCEPTION 'the file is empty' USING ERRCODE = 'BO422', COLUMN = 'file';
  ELSIF octet_length(content_in) > most THEN
    RAISE EXCEPTION '%', format('the file has %s bytes; at most %s are taken', octet_length(content_in), most) USING ERRCODE = 'BO422', COLUMN = 'file';
  ELSIF (SELECT count(*) FROM review.attachment t WHERE t.case_id = case_in) >= review.setting('attachments_per_case', 50) THEN
    RAISE EXCEPTION '%', format('case %s has as many files as a case may have', case_in) USING ERRCODE = 'BO422', COLUMN = 'file';
  END IF;
  kind := review.media_type_of(content_in);
  IF NOT kind = ANY (regexp_split_to_array(allowed, '\s*,\s*')) THEN
    RAISE EXCEPTION '%', format('by its bytes the file is %s; taken are %s', kind, allowed) USING ERRCODE = 'BO422', COLUMN = 'file';
  END IF;
  again := review.enter_act(k, person.person_id, system_in || ':' || user_in, 'attach', filename_in, key_in, sealed_in, file_in => content_in);
  RETURN review.case_answer(case_in, again);
END $$;
