-- Changes of persons, log-ins, authority, quorum rules, duties, absences and substitutes, through the pages: one person proposes, another
-- approves, and it is made in the transaction of the approval. The own absence and the own substitute one enters alone.

-- Which table a kind of change is of: its key, its columns, what stands there where nothing is said, and which columns are personal.
CREATE OR REPLACE FUNCTION review.access_table(kind_in text, OUT relation text, OUT keys text[], OUT columns text[], OUT defaults jsonb, OUT personal text[])
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT t.relation, t.keys, t.columns, t.defaults::jsonb, t.personal FROM (VALUES
    ('person', 'review.person', '{person_id}'::text[], '{person_id,name,email,active}'::text[], '{"active":true}', '{name,email}'::text[]),
    ('identity', 'review.identity', '{system,user_id}', '{system,user_id,person_id}', '{"system":"airflow"}', '{user_id}'),
    ('authority', 'review.authority', '{person_id,role,process,entity,cost_centre,code,effective_from}',
     '{person_id,role,process,entity,cost_centre,code,effective_from,effective_to,amount_limit,currency,variance_limit,variance_pct}',
     jsonb_build_object('process', '*', 'entity', '*', 'cost_centre', '*', 'code', '*', 'effective_from', audit.today())::text, '{}'),
    ('quorum_rule', 'review.quorum_rule', '{name}', '{name,role,process,entity,code,action,amount_from,currency,persons,of_persons,with_roles,veto_roles}',
     '{"role":"*","process":"*","entity":"*","code":"*","action":"accept","with_roles":[],"veto_roles":[]}', '{}'),
    ('duty_rule', 'review.duty_rule', '{duty,code}', '{duty,code,excluded,unknown_is_anyone}', '{"code":"*","unknown_is_anyone":false}', '{}'),
    ('absence', 'review.absence', '{person_id,from_day}', '{person_id,from_day,to_day}', jsonb_build_object('from_day', audit.today())::text, '{}'),
    ('substitute', 'review.substitute', '{person_id,substitute_id,role,process,entity,from_day}',
     '{person_id,substitute_id,role,process,entity,from_day,to_day,when_absent,amount_limit,currency}',
     jsonb_build_object('role', '*', 'process', '*', 'entity', '*', 'when_absent', true, 'from_day', audit.today())::text, '{}'),
    ('batch_rule', 'review.batch_rule', '{item_kind,process,entity}', '{item_kind,process,entity,amount_above,currency,role}', '{"item_kind":"posting","process":"*","entity":"*"}', '{}')
  ) AS t(kind, relation, keys, columns, defaults, personal) WHERE t.kind = kind_in
$$;

-- A row as its table would hold it: every column, each of its type. Refused when a value is of another.
CREATE OR REPLACE FUNCTION review.access_normal(kind_in text, row_in jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE t record := review.access_table(kind_in); typed jsonb;
BEGIN
  EXECUTE format('SELECT to_jsonb(jsonb_populate_record(NULL::%s, $1))', t.relation) INTO typed
    USING t.defaults || jsonb_strip_nulls((SELECT coalesce(jsonb_object_agg(f.key, f.value), '{}') FROM jsonb_each(row_in) AS f WHERE f.key = ANY (t.columns)));
  RETURN (SELECT jsonb_object_agg(f.key, f.value) FROM jsonb_each(typed) AS f WHERE f.key = ANY (t.columns));
EXCEPTION
  WHEN data_exception THEN PERFORM review.refuse('BO422', 'this cannot be entered: ' || SQLERRM);
  RETURN NULL;
END $$;

-- The row that a change is of, as it stands; null where there is none.
CREATE OR REPLACE FUNCTION review.access_row(kind_in text, row_in jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE t record := review.access_table(kind_in); found jsonb;
BEGIN
  EXECUTE format('SELECT to_jsonb(t) FROM %s t, jsonb_populate_record(NULL::%s, $1) r WHERE (%s) = (%s)', t.relation, t.relation,
    (SELECT string_agg(format('t.%I', k), ', ') FROM unnest(t.keys) AS k), (SELECT string_agg(format('r.%I', k), ', ') FROM unnest(t.keys) AS k)) INTO found USING row_in;
  RETURN (SELECT jsonb_object_agg(f.key, f.value) FROM jsonb_each(found) AS f WHERE f.key = ANY (t.columns));
END $$;

-- Make a change. Its own record is written by the trigger of the table (audit.record_change).
CREATE OR REPLACE FUNCTION review.make_access_change(kind_in text, act_in text, row_in jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t record := review.access_table(kind_in);
  listed text := (SELECT string_agg(format('%I', c), ', ') FROM unnest(t.columns) AS c);
  given text := (SELECT string_agg(format('r.%I', c), ', ') FROM unnest(t.columns) AS c);
  same text := (SELECT string_agg(format('t.%I = r.%I', k, k), ' AND ') FROM unnest(t.keys) AS k);
  touched bigint;
BEGIN
  EXECUTE CASE act_in
    WHEN 'add' THEN format('INSERT INTO %s (%s) SELECT %s FROM jsonb_populate_record(NULL::%s, $1) r', t.relation, listed, given, t.relation)
    WHEN 'change' THEN format('UPDATE %s t SET (%s) = ROW (%s) FROM jsonb_populate_record(NULL::%s, $1) r WHERE %s', t.relation, listed, given, t.relation, same)
    ELSE format('DELETE FROM %s t USING jsonb_populate_record(NULL::%s, $1) r WHERE %s', t.relation, t.relation, same) END USING row_in;
  GET DIAGNOSTICS touched = ROW_COUNT;
  IF touched <> 1 THEN
    PERFORM review.refuse('BO409', 'what this is about has changed since; look at it again');
  END IF;
END $$;

-- Who may change what people may: role access_administrator for the process access and for every company, today.
CREATE OR REPLACE FUNCTION review.is_access_administrator(person_in text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM review.authority u JOIN review.person p ON p.person_id = u.person_id AND p.active
    WHERE u.person_id = person_in AND u.role = 'access_administrator' AND u.process IN ('*', 'access') AND u.entity = '*'
      AND audit.today() BETWEEN u.effective_from AND coalesce(u.effective_to, 'infinity'))
$$;
-- Administrators who can log in: fewer than two of them, and nobody could change anything here any more.
CREATE OR REPLACE FUNCTION review.count_access_administrators() RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT count(*) FROM review.person p WHERE review.is_access_administrator(p.person_id) AND EXISTS (SELECT FROM review.identity d WHERE d.person_id = p.person_id AND d.system <> 'erp')
$$;

-- How many of the latest open cases these people may accept and reject, and how many persons accepting takes: who could do what.
CREATE OR REPLACE FUNCTION review.access_power(persons_in text[]) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  WITH latest AS MATERIALIZED (
    SELECT coalesce(array_agg(c.case_id), '{}') AS ids FROM (SELECT k.case_id FROM review.case k WHERE k.state IN ('open', 'half_decided') ORDER BY k.case_id DESC LIMIT 500) c
  )
  SELECT jsonb_build_object('cases', cardinality(l.ids),
    'people', (SELECT coalesce(jsonb_object_agg(p.person_id, jsonb_build_object(
        'accept', (SELECT count(*) FROM review.judge(p.person_id, l.ids, 'accept') j WHERE j.kind IS NULL),
        'reject', (SELECT count(*) FROM review.judge(p.person_id, l.ids, 'reject') j WHERE j.kind IS NULL))), '{}')
      FROM (SELECT DISTINCT unnest(persons_in) AS person_id) p),
    'persons_needed', (SELECT coalesce(jsonb_object_agg(q.persons, q.cases), '{}') FROM (SELECT x.persons, count(*) AS cases FROM review.quorum(l.ids, 'accept') x GROUP BY x.persons) q))
  FROM latest l
$$;

-- Whom a change of this row concerns: they take no part in it.
CREATE OR REPLACE FUNCTION review.access_parties(of_person_in text, before_in jsonb, after_in jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(array_agg(DISTINCT p.person_id), '{}') FROM unnest(ARRAY[of_person_in, before_in ->> 'person_id', after_in ->> 'person_id', before_in ->> 'substitute_id', after_in ->> 'substitute_id']) AS p(person_id)
  WHERE p.person_id IS NOT NULL
$$;

-- Why may this person not do this about this change? NULL when they may. The functions refuse by it and the pages show it.
CREATE OR REPLACE FUNCTION review.why_no_access_act(change_in bigint, person_in text, act_in text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE
    WHEN c.state <> 'proposed' THEN format('change %s is %s; there is nothing to decide', c.change_id, c.state)
    WHEN act_in = 'withdraw' THEN CASE WHEN c.proposed_by <> person_in THEN 'only who proposed a change withdraws it; others refuse it' END
    WHEN c.proposed_by = person_in THEN format('who proposed a change does not %s it; another person does', act_in)
    WHEN NOT review.is_access_administrator(person_in) THEN format('%s has no authority as access administrator', (SELECT p.name FROM review.person p WHERE p.person_id = person_in))
    WHEN person_in = ANY (review.access_parties(c.of_person, c.before, c.after)) THEN 'nobody takes part in a change of what they may do themselves' END
  FROM review.access_change c WHERE c.change_id = change_in
$$;

-- What a program is told of a change.
CREATE OR REPLACE FUNCTION review.access_change_told(change_in bigint) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_build_object('change_id', c.change_id, 'state', c.state, 'alone', c.alone, 'shown_sha256', c.impact_sha256) FROM review.access_change c WHERE c.change_id = change_in
$$;

-- Note in the log what a person did about a change; rows without names, user ids as hashes.
CREATE OR REPLACE FUNCTION review.note_access_act(c review.access_change, step_in text, person_in text, principal_in text, reason_in text, sealed_in text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE relation text := (review.access_table(c.kind)).relation;
BEGIN
  PERFORM vault.append_act('human', person_in, 'access:' || c.change_id, principal_in, reason_in, sealed_in,
    'step', audit.text(step_in), 'change_id', audit.text(c.change_id::text), 'kind', audit.text(c.kind), 'act', audit.text(c.act), 'of_person', audit.text(c.of_person),
    'before', coalesce(audit.row_text(relation, c.before), 'null'), 'after', coalesce(audit.row_text(relation, c.after), 'null'),
    'alone', audit.text(c.alone::text), 'shown_sha256', audit.text(c.impact_sha256));
END $$;

-- May one person enter this alone? Their own absence or substitute, from today on and for at most three months, or its end.
CREATE OR REPLACE FUNCTION review.is_own_absence(kind_in text, person_in text, of_person_in text, after_in jsonb) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT kind_in IN ('absence', 'substitute') AND person_in = of_person_in
    AND (after_in IS NULL OR (after_in ->> 'to_day')::date >= audit.today() AND (after_in ->> 'to_day')::date - greatest((after_in ->> 'from_day')::date, audit.today()) <= 92)
$$;

-- Refuse what the row itself does not allow; the tables' own constraints do the rest when the change is rehearsed.
CREATE OR REPLACE FUNCTION review.check_access_row(kind_in text, act_in text, row_in jsonb, standing jsonb) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  IF act_in = 'add' AND standing IS NOT NULL THEN
    PERFORM review.refuse('BO409', 'this is there already; change it');
  ELSIF act_in <> 'add' AND standing IS NULL THEN
    PERFORM review.refuse('BO404', format('there is no such %s', replace(kind_in, '_', ' ')));
  ELSIF kind_in = 'person' AND act_in = 'remove' THEN
    PERFORM review.refuse('BO422', 'a person is not removed; change active to false');
  ELSIF kind_in = 'person' AND act_in <> 'remove' AND (coalesce(trim(row_in ->> 'name'), '') = '' OR row_in ->> 'name' = 'erased') THEN
    PERFORM review.refuse_field('name', 'a person has a name');
  ELSIF row_in ->> 'person_id' IS NOT NULL AND EXISTS (SELECT FROM vault.subject_key k WHERE k.subject = 'person:' || (row_in ->> 'person_id') AND k.key IS NULL) THEN
    PERFORM review.refuse('BO409', format('%s was erased; a person who comes back is entered as a new one', row_in ->> 'person_id'));
  ELSIF kind_in = 'substitute' AND act_in <> 'remove' AND NOT EXISTS (SELECT FROM review.person p WHERE p.person_id = row_in ->> 'substitute_id' AND p.active) THEN
    PERFORM review.refuse_field('substitute_id', 'the substitute is an active person');
  ELSIF kind_in = 'quorum_rule' AND act_in <> 'remove' AND jsonb_typeof(row_in -> 'of_persons') = 'array'
        AND EXISTS (SELECT FROM jsonb_array_elements_text(row_in -> 'of_persons') AS m(person_id) WHERE NOT EXISTS (SELECT FROM review.person p WHERE p.person_id = m.person_id AND p.active)) THEN
    PERFORM review.refuse_field('of_persons', 'each of them is an active person');
  END IF;
END $$;

-- Propose a change: the row as it shall be, or its key where it shall go. It is rehearsed, so that what cannot be made is refused at
-- once and what it would change is known; nothing of that stays. One's own absence or substitute is made at once.
CREATE OR REPLACE FUNCTION review.propose_access_change(system_in text, user_in text, kind_in text, act_in text, row_in jsonb, reason_in text, key_in text, sealed_in text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  person review.person := review.person_behind(system_in, user_in); earlier review.access_change; c review.access_change; t record;
  wanted jsonb; standing jsonb; concerned text[]; could jsonb; can jsonb; administrators bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('backoffice:access', 0));
  SELECT * INTO t FROM review.access_table(kind_in);
  IF t.relation IS NULL OR coalesce(act_in, '') NOT IN ('add', 'change', 'remove') OR jsonb_typeof(row_in) IS DISTINCT FROM 'object' THEN
    PERFORM review.refuse('BO422', 'a change is to add, change or remove a person, identity, authority, quorum_rule, duty_rule, absence or substitute');
  ELSIF coalesce(trim(key_in), '') = '' OR coalesce(trim(reason_in), '') = '' THEN
    PERFORM review.refuse_field('reason', 'a reason and an idempotency key are needed');
  END IF;
  SELECT x.* INTO earlier FROM review.access_change x WHERE x.idempotency_key = key_in;
  wanted := review.access_normal(kind_in, row_in);
  IF earlier.change_id IS NOT NULL THEN
    IF (earlier.kind, earlier.act, earlier.proposed_by, earlier.reason) IS DISTINCT FROM (kind_in, act_in, person.person_id, reason_in)
       OR act_in <> 'remove' AND earlier.after IS DISTINCT FROM wanted - t.personal THEN
      PERFORM review.refuse('BO409', 'this idempotency key was used for another change');
    END IF;
    RETURN review.access_change_told(earlier.change_id);
  END IF;
  BEGIN
    standing := review.access_row(kind_in, wanted);
    PERFORM review.check_access_row(kind_in, act_in, wanted, standing);
    IF kind_in = 'identity' AND act_in = 'remove' THEN wanted := standing; END IF;
    c.kind := kind_in; c.act := act_in; c.reason := reason_in; c.proposed_by := person.person_id;
    c.of_person := CASE WHEN kind_in NOT IN ('quorum_rule', 'duty_rule') THEN wanted ->> 'person_id' END;
    c.before := standing - t.personal; c.after := CASE WHEN act_in <> 'remove' THEN wanted - t.personal END;
    c.alone := review.is_own_absence(kind_in, person.person_id, c.of_person, c.after);
    IF NOT c.alone AND NOT review.is_access_administrator(person.person_id) THEN
      PERFORM review.refuse('BO403', CASE WHEN kind_in IN ('absence', 'substitute') AND c.of_person = person.person_id
        THEN 'you enter your own absence or substitute alone from today on and for at most three months; for more, an access_administrator proposes it'
        ELSE format('%s has no authority as access administrator', person.name) END);
    ELSIF NOT c.alone AND person.person_id = ANY (review.access_parties(c.of_person, c.before, c.after)) THEN
      PERFORM review.refuse('BO403', 'nobody takes part in a change of what they may do themselves');
    END IF;
    concerned := review.access_parties(c.of_person, c.before, c.after);
    could := review.access_power(concerned);
    administrators := review.count_access_administrators();
    PERFORM review.make_access_change(kind_in, act_in, wanted);
    can := review.access_power(concerned);
    IF review.count_access_administrators() < least(administrators, 2) THEN
      PERFORM review.refuse('BO409', 'fewer than two access administrators who can log in would be left; nobody could change anything any more');
    END IF;
    RAISE EXCEPTION 'rehearsed' USING ERRCODE = 'BO299';
  EXCEPTION
    WHEN SQLSTATE 'BO299' THEN NULL;
    WHEN data_exception OR integrity_constraint_violation THEN PERFORM review.refuse('BO422', 'this cannot be entered: ' || SQLERRM);
  END;
  INSERT INTO review.access_change AS x (kind, act, of_person, before, after, name, email, user_id, impact, impact_sha256, alone, state, reason, idempotency_key, proposed_by,
                                         answer_reason, answer_key, answered_by, answered_at)
  SELECT c.kind, c.act, c.of_person, c.before, c.after, CASE kind_in WHEN 'person' THEN wanted ->> 'name' END, CASE kind_in WHEN 'person' THEN wanted ->> 'email' END,
         CASE kind_in WHEN 'identity' THEN wanted ->> 'user_id' END, i.impact, encode(sha256(convert_to(concat_ws('|', kind_in, act_in, c.before, c.after, i.impact), 'UTF8')), 'hex'),
         c.alone, 'proposed', reason_in, key_in, person.person_id, NULL, NULL, NULL, NULL
  FROM (SELECT jsonb_build_object('before', could, 'after', can) AS impact) i RETURNING * INTO c;
  IF c.alone THEN
    PERFORM review.make_access_change(kind_in, act_in, wanted);
    UPDATE review.access_change x SET state = 'approved', answered_by = person.person_id, answered_at = now() WHERE x.change_id = c.change_id RETURNING * INTO c;
  END IF;
  PERFORM review.note_access_act(c, CASE WHEN c.alone THEN 'access change made alone' ELSE 'access change proposed' END, person.person_id, system_in || ':' || user_in, reason_in, sealed_in);
  RETURN review.access_change_told(c.change_id);
END $$;

-- Approve a change as the second person, who signs what was shown (by its hash), and it is made; refuse it; or withdraw one's own.
CREATE OR REPLACE FUNCTION review.answer_access_change(system_in text, user_in text, change_in bigint, act_in text, shown_sha256_in text, reason_in text, key_in text, sealed_in text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE person review.person := review.person_behind(system_in, user_in); c review.access_change; t record; wanted jsonb; why text; administrators bigint; step text;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('backoffice:access', 0));
  SELECT x.* INTO c FROM review.access_change x WHERE x.change_id = change_in FOR UPDATE;
  step := CASE act_in WHEN 'approve' THEN 'approved' WHEN 'refuse' THEN 'refused' WHEN 'withdraw' THEN 'withdrawn' END;
  IF c.change_id IS NULL THEN
    PERFORM review.refuse('BO404', format('there is no change %s', change_in));
  ELSIF step IS NULL OR coalesce(trim(key_in), '') = '' OR coalesce(trim(reason_in), '') = '' THEN
    PERFORM review.refuse_field('reason', 'approve, refuse or withdraw, with a reason and an idempotency key');
  ELSIF c.answer_key = key_in AND c.answered_by = person.person_id AND c.answer_reason = reason_in AND c.state = step THEN
    RETURN review.access_change_told(change_in);
  ELSIF EXISTS (SELECT FROM review.access_change x WHERE x.answer_key = key_in) THEN
    PERFORM review.refuse('BO409', 'this idempotency key was used for another act');
  ELSIF c.state <> 'proposed' THEN
    PERFORM review.refuse('BO409', format('change %s is %s; there is nothing to decide', change_in, c.state));
  ELSIF act_in = 'approve' AND c.impact_sha256 IS DISTINCT FROM shown_sha256_in THEN
    PERFORM review.refuse('BO409', format('this is not what change %s shows; look at it again', change_in));
  END IF;
  why := review.why_no_access_act(change_in, person.person_id, act_in);
  IF why IS NOT NULL THEN
    PERFORM review.refuse('BO403', why);
  END IF;
  UPDATE review.access_change x SET state = step, answered_by = person.person_id, answered_at = now(), answer_reason = reason_in, answer_key = key_in
  WHERE x.change_id = change_in RETURNING * INTO c;
  IF act_in = 'approve' THEN
    t := review.access_table(c.kind);
    wanted := coalesce(c.after, c.before) || jsonb_strip_nulls(jsonb_build_object('name', c.name, 'email', c.email, 'user_id', c.user_id));
    IF review.access_row(c.kind, wanted) - t.personal IS DISTINCT FROM c.before THEN
      PERFORM review.refuse('BO409', 'what this is about has changed since it was proposed; propose it anew');
    END IF;
    administrators := review.count_access_administrators();
    BEGIN
      PERFORM review.check_access_row(c.kind, c.act, wanted, review.access_row(c.kind, wanted));
      PERFORM review.make_access_change(c.kind, c.act, wanted);
    EXCEPTION
      WHEN data_exception OR integrity_constraint_violation THEN PERFORM review.refuse('BO409', 'this cannot be entered any more: ' || SQLERRM);
    END;
    IF review.count_access_administrators() < least(administrators, 2) THEN
      PERFORM review.refuse('BO409', 'fewer than two access administrators who can log in would be left; nobody could change anything any more');
    END IF;
  END IF;
  PERFORM review.note_access_act(c, 'access change ' || step, person.person_id, system_in || ':' || user_in, reason_in, sealed_in);
  RETURN review.access_change_told(change_in);
END $$;
