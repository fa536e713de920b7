-- Erasing a person, lifting a hold, purging records: two persons each, through the pages. Placing a hold: one, at once.
-- May this person do it? Role data_protection_officer for the process privacy, for all companies, today.
CREATE OR REPLACE FUNCTION review.is_data_protection_officer(person_in text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM review.authority u WHERE u.person_id = person_in AND u.role = 'data_protection_officer' AND u.process IN ('*', 'privacy') AND u.entity = '*'
    AND audit.today() BETWEEN u.effective_from AND coalesce(u.effective_to, 'infinity'))
$$;

CREATE OR REPLACE FUNCTION review.data_protection_officer(system_in text, user_in text) RETURNS review.person
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE person review.person := review.person_behind(system_in, user_in);
BEGIN
  IF NOT review.is_data_protection_officer(person.person_id) THEN
    PERFORM review.refuse('BO403', format('%s has no authority as data protection officer', person.name));
  END IF;
  RETURN person;
END $$;

-- Where the business tables hold words of a person or about them: table, whose id says of whom, column, what stands there afterwards.
-- A table with such columns that is not here fails a test.
CREATE OR REPLACE FUNCTION vault.personal_columns() RETURNS TABLE (relation text, of_person text, holding text, becomes text)
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  VALUES ('review.person', 'person_id', 'name', 'erased'), ('review.person', 'person_id', 'email', NULL),
         ('review.answer', 'person_id', 'principal', 'erased'), ('review.answer', 'person_id', 'reason', 'erased'),
         ('review.privacy_request', 'requested_by', 'reason', 'erased'), ('review.privacy_request', 'answered_by', 'answer_reason', 'erased'),
         ('audit.legal_hold', 'placed_by', 'reason', 'erased'),
         ('review.access_change', 'of_person', 'name', 'erased'), ('review.access_change', 'of_person', 'email', NULL), ('review.access_change', 'of_person', 'user_id', 'erased'),
         ('review.access_change', 'proposed_by', 'reason', 'erased'), ('review.access_change', 'answered_by', 'answer_reason', 'erased'),
         ('review.access_change', 'of_person', 'reason', 'erased'), ('review.access_change', 'of_person', 'answer_reason', 'erased'),
         ('review.person_measure', 'requested_by', 'reason', 'erased'), ('review.person_measure', 'answered_by', 'answer_reason', 'erased'), ('review.person_measure', 'ended_by', 'end_reason', 'erased'),
         -- append-only, but for this (vault.refuse_change_but_erasure)
         ('review.policy_act', 'person_id', 'principal', 'erased'), ('review.policy_act', 'person_id', 'reason', 'erased'),
         ('review.case_act', 'person_id', 'principal', 'erased'), ('review.case_act', 'person_id', 'reason', 'erased'),
         ('audit.log_proposal', 'person_id', 'principal', 'erased'), ('audit.log_proposal', 'person_id', 'reason', 'erased'),
         ('audit.log_confirmation', 'person_id', 'principal', 'erased'), ('audit.log_confirmation', 'person_id', 'reason', 'erased'),
         -- what others wrote when they asked for this very thing, or held something of this person, is about the person
         ('review.privacy_request', 'person_id', 'reason', 'erased'), ('review.privacy_request', 'person_id', 'answer_reason', 'erased'), ('audit.legal_hold', 'scope', 'reason', 'erased')
$$;

-- Why a person may not be erased now: duties to keep what they did, holds, and what they still take part in. No row: they may.
CREATE OR REPLACE FUNCTION vault.reasons_to_keep(person_in text) RETURNS TABLE (why text, until date, basis text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  WITH used AS (
    SELECT u.record_subject, audit.class_of(u.kind, u.record_subject) AS class, u.last_at FROM audit.personal_use u WHERE u.subject = 'person:' || person_in
  ), named AS (
    -- orders that name the person: who ordered is part of the accounts
    SELECT max(l.accepted_at) AS last_at FROM review.identity d JOIN purchasing.order_line o ON d.user_id IN (o.created_by, o.buyer, o.requester) JOIN intake.load l ON l.load_id = o.load_id
    WHERE d.system = 'erp' AND d.person_id = person_in
  ), duty AS (
    SELECT coalesce('records of class ' || u.class, 'records of no class') AS why, audit.kept_until(u.class, (max(u.last_at) AT TIME ZONE 'UTC')::date) AS until, r.basis
    FROM used u LEFT JOIN audit.retention r ON r.class = u.class GROUP BY u.class, r.basis
    UNION ALL
    SELECT 'orders that name the person, class accounting', audit.kept_until('accounting', (n.last_at AT TIME ZONE 'UTC')::date), (SELECT r.basis FROM audit.retention r WHERE r.class = 'accounting')
    FROM named n WHERE n.last_at IS NOT NULL
  )
  SELECT d.why, d.until, d.basis FROM duty d WHERE d.until >= audit.today()
  UNION ALL
  SELECT 'legal hold ' || h.hold_id, 'infinity', 'until two persons lift it' FROM audit.legal_hold h
  WHERE h.lifted_at IS NULL AND (h.scope_kind = 'everything' OR (h.scope_kind = 'person' AND h.scope = person_in)
    OR EXISTS (SELECT FROM used u WHERE CASE h.scope_kind WHEN 'class' THEN h.scope = u.class WHEN 'subject' THEN h.scope = u.record_subject
                                                          WHEN 'entity' THEN coalesce(audit.entity_of(u.record_subject), h.scope) = h.scope END))
  UNION ALL
  SELECT 'legal hold ' || h.hold_id || ' that the person placed', 'infinity', 'until two persons lift it' FROM audit.legal_hold h WHERE h.lifted_at IS NULL AND h.placed_by = person_in
  UNION ALL
  SELECT 'request ' || q.request_id || ' that the person made', 'infinity', 'until it is answered' FROM review.privacy_request q WHERE q.state = 'open' AND q.requested_by = person_in
  UNION ALL
  SELECT 'the person is active', 'infinity', 'until an administrator ends that in review.person' FROM review.person p WHERE p.person_id = person_in AND p.active
$$;

CREATE OR REPLACE FUNCTION vault.check_erasure(person_in text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE reasons text;
BEGIN
  IF NOT EXISTS (SELECT FROM review.person p WHERE p.person_id = person_in) THEN
    PERFORM review.refuse('BO404', format('there is no person %s', person_in));
  ELSIF EXISTS (SELECT FROM vault.subject_key k WHERE k.subject = 'person:' || person_in AND k.key IS NULL) THEN
    PERFORM review.refuse('BO409', format('%s was erased already', person_in));
  END IF;
  SELECT string_agg(r.why || CASE WHEN isfinite(r.until) THEN ' until ' || r.until ELSE '' END || coalesce(' (' || r.basis || ')', ''), '; ' ORDER BY r.until, r.why) INTO reasons
  FROM vault.reasons_to_keep(person_in) r;
  IF reasons IS NOT NULL THEN
    PERFORM review.refuse('BO409', format('%s may not be erased yet: %s', person_in, reasons));
  END IF;
END $$;

-- Clear the business tables of a person; what is there already is left. Returns how many values went, by column.
CREATE OR REPLACE FUNCTION vault.clear_person(person_in text) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE place record; went bigint; cleared jsonb := '{}';
BEGIN
  FOR place IN SELECT * FROM vault.personal_columns() LOOP
    EXECUTE format('UPDATE %s SET %I = $1 WHERE %I = $2 AND %I IS DISTINCT FROM $1', place.relation, place.holding, place.of_person, place.holding) USING place.becomes, person_in;
    GET DIAGNOSTICS went = ROW_COUNT;
    cleared := cleared || jsonb_build_object(place.relation || '.' || place.holding, went);
  END LOOP;
  UPDATE ops.outbox o SET payload = o.payload - 'body' WHERE o.written_by = person_in AND o.payload ? 'body';
  GET DIAGNOSTICS went = ROW_COUNT;
  cleared := cleared || jsonb_build_object('ops.outbox.payload', went);
  RETURN cleared;
END $$;

-- Take away how a person logs in. Before their key goes: what leaves is recorded under it.
CREATE OR REPLACE FUNCTION vault.forget_log_ins(person_in text) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE went bigint;
BEGIN
  DELETE FROM review.identity d WHERE d.person_id = person_in;
  GET DIAGNOSTICS went = ROW_COUNT;
  RETURN jsonb_build_object('review.identity', went);
END $$;

-- Erase a person: their key first, so that nothing can be written under it meanwhile. Who is acting at this moment holds the key and is
-- not waited for; what they do may have to be kept.
CREATE OR REPLACE FUNCTION vault.erase_person(person_in text, basis_in text, request_in bigint, asked_by text, approved_by text) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE cleared jsonb; log_ins jsonb;
BEGIN
  PERFORM audit.lock_retention();
  INSERT INTO vault.subject_key AS k (subject, key) VALUES ('person:' || person_in, sha256(uuid_send(gen_random_uuid()))) ON CONFLICT DO NOTHING; -- who never acted has none to destroy
  BEGIN
    PERFORM FROM vault.subject_key k WHERE k.subject = 'person:' || person_in FOR UPDATE NOWAIT;
  EXCEPTION WHEN lock_not_available THEN
    PERFORM review.refuse('BO409', format('%s is acting at this moment; approve again in a minute', person_in));
  END;
  PERFORM vault.check_erasure(person_in);
  log_ins := vault.forget_log_ins(person_in);
  UPDATE vault.subject_key k SET key = NULL, destroyed_at = now(), destroyed_by = request_in WHERE k.subject = 'person:' || person_in;
  cleared := vault.clear_person(person_in) || log_ins;
  PERFORM audit.append('erasure', 'person:' || person_in, audit.object('step', audit.text('person erased'), 'person_id', audit.text(person_in), 'basis', audit.text(basis_in),
    'cleared', audit.text(cleared::text), 'request_id', audit.text(request_in::text), 'requested_by', audit.text(asked_by), 'approved_by', audit.text(approved_by), 'at', audit.text(ops.utc(now()))));
  RETURN jsonb_build_object('cleared', cleared);
END $$;

-- After a back-up of the vault or of the business tables was restored: erase again whom the log says to be erased. Run by every migration.
CREATE OR REPLACE FUNCTION vault.repeat_erasures() RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE erased record; repeated bigint := 0;
BEGIN
  FOR erased IN
    SELECT p.person_id, coalesce((convert_from(r.body, 'UTF8')::jsonb ->> 'request_id')::bigint, 0) AS request_id
    FROM review.person p JOIN audit.record r ON r.subject = 'person:' || p.person_id AND r.kind = 'erasure'
    WHERE p.name <> 'erased' OR p.active OR EXISTS (SELECT FROM vault.subject_key k WHERE k.subject = r.subject AND k.key IS NOT NULL)
  LOOP
    PERFORM vault.forget_log_ins(erased.person_id);
    INSERT INTO vault.subject_key AS k (subject, destroyed_at, destroyed_by) VALUES ('person:' || erased.person_id, now(), erased.request_id)
    ON CONFLICT (subject) DO UPDATE SET key = NULL, destroyed_at = now(), destroyed_by = excluded.destroyed_by;
    UPDATE review.person p SET active = false WHERE p.person_id = erased.person_id;
    PERFORM vault.clear_person(erased.person_id);
    repeated := repeated + 1;
  END LOOP;
  RETURN repeated;
END $$;

-- Place a legal hold: it stands at once, because waiting for a second person could cost what it is to save.
CREATE OR REPLACE FUNCTION review.place_hold(system_in text, user_in text, scope_kind_in text, scope_in text, reason_in text, key_in text, sealed_in text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE person review.person := review.data_protection_officer(system_in, user_in); hold audit.legal_hold;
BEGIN
  PERFORM audit.lock_retention();
  SELECT h.* INTO hold FROM audit.legal_hold h WHERE h.idempotency_key = key_in;
  IF hold.hold_id IS NOT NULL THEN
    IF (hold.scope_kind, hold.scope, hold.reason, hold.placed_by) IS DISTINCT FROM (scope_kind_in, scope_in, reason_in, person.person_id) THEN
      PERFORM review.refuse('BO409', 'this idempotency key was used for another hold');
    END IF;
    RETURN jsonb_build_object('hold_id', hold.hold_id);
  END IF;
  IF coalesce(trim(reason_in), '') = '' THEN
    PERFORM review.refuse('BO422', 'a reason is needed');
  ELSIF NOT coalesce(CASE scope_kind_in
      WHEN 'everything' THEN scope_in IS NULL WHEN 'class' THEN EXISTS (SELECT FROM audit.retention r WHERE r.class = scope_in)
      WHEN 'entity' THEN EXISTS (SELECT FROM ops.entity e WHERE e.entity = scope_in) WHEN 'person' THEN EXISTS (SELECT FROM review.person p WHERE p.person_id = scope_in)
      WHEN 'subject' THEN EXISTS (SELECT FROM audit.record r WHERE r.subject = scope_in) END, false) THEN
    PERFORM review.refuse('BO422', format('there is no %s %s that could be held', scope_kind_in, scope_in));
  END IF;
  INSERT INTO audit.legal_hold (scope_kind, scope, reason, idempotency_key, placed_by) VALUES (scope_kind_in, scope_in, reason_in, key_in, person.person_id) RETURNING * INTO hold;
  PERFORM vault.append_act('human', person.person_id, 'hold:' || hold.hold_id, system_in || ':' || user_in, reason_in, sealed_in,
    'step', audit.text('hold placed'), 'hold_id', audit.text(hold.hold_id::text), 'scope_kind', audit.text(scope_kind_in), 'scope', audit.text(scope_in));
  RETURN jsonb_build_object('hold_id', hold.hold_id);
END $$;

-- What would be refused at the end is refused at once.
CREATE OR REPLACE FUNCTION review.check_privacy_act(q review.privacy_request, person_in text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  IF q.act = 'erase_person' THEN
    IF q.person_id = person_in THEN
      PERFORM review.refuse('BO403', 'nobody takes part in erasing themselves; two others do');
    END IF;
    PERFORM vault.check_erasure(q.person_id);
  ELSIF q.act = 'purge_records' THEN
    PERFORM audit.check_purge(q.record_class, q.before);
  ELSIF NOT EXISTS (SELECT FROM audit.legal_hold h WHERE h.hold_id = q.hold_id AND h.lifted_at IS NULL) THEN
    PERFORM review.refuse('BO404', format('there is no hold %s in force', q.hold_id));
  END IF;
END $$;

-- The first of two persons asks. The same idempotency key with the same content returns the first request.
CREATE OR REPLACE FUNCTION review.request_privacy_act(system_in text, user_in text, act_in text, person_in text, basis_in text, hold_in bigint, class_in text, before_in date,
                                                      reason_in text, key_in text, sealed_in text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE person review.person := review.data_protection_officer(system_in, user_in); earlier review.privacy_request; q review.privacy_request;
BEGIN
  PERFORM audit.lock_retention();
  SELECT x.* INTO earlier FROM review.privacy_request x WHERE x.idempotency_key = key_in;
  IF earlier.request_id IS NOT NULL THEN
    IF (earlier.act, earlier.person_id, earlier.basis, earlier.hold_id, earlier.record_class, earlier.before, earlier.reason, earlier.requested_by)
       IS DISTINCT FROM (act_in, person_in, basis_in, hold_in, class_in, before_in, reason_in, person.person_id) THEN
      PERFORM review.refuse('BO409', 'this idempotency key was used for another request');
    END IF;
    RETURN jsonb_build_object('request_id', earlier.request_id, 'state', earlier.state);
  END IF;
  IF coalesce(trim(reason_in), '') = '' THEN
    PERFORM review.refuse('BO422', 'a reason is needed');
  END IF;
  q.act := act_in; q.person_id := person_in; q.basis := basis_in; q.hold_id := hold_in; q.record_class := class_in; q.before := before_in;
  IF (CASE act_in WHEN 'erase_person' THEN person_in IS NULL OR basis_in IS NULL WHEN 'lift_hold' THEN hold_in IS NULL WHEN 'purge_records' THEN class_in IS NULL OR before_in IS NULL ELSE true END)
     OR num_nonnulls(person_in, hold_in, class_in) <> 1 THEN
    PERFORM review.refuse('BO422', 'erase_person needs a person and a basis, lift_hold a hold, purge_records a class and a day, and nothing else');
  END IF;
  PERFORM review.check_privacy_act(q, person.person_id);
  BEGIN
    INSERT INTO review.privacy_request (act, person_id, basis, hold_id, record_class, before, reason, idempotency_key, requested_by)
    VALUES (act_in, person_in, basis_in, hold_in, class_in, before_in, reason_in, key_in, person.person_id) RETURNING * INTO q;
  EXCEPTION
    WHEN unique_violation THEN PERFORM review.refuse('BO409', 'this was asked for already and waits for its second person');
    WHEN check_violation THEN PERFORM review.refuse('BO422', format('%s is no basis of this act', coalesce(basis_in, 'nothing')));
  END;
  PERFORM vault.append_act('human', person.person_id, 'privacy:' || q.request_id, system_in || ':' || user_in, reason_in, sealed_in,
    'step', audit.text('privacy act requested'), 'request_id', audit.text(q.request_id::text), 'act', audit.text(act_in), 'of_person', audit.text(person_in), 'basis', audit.text(basis_in),
    'hold_id', audit.text(hold_in::text), 'class', audit.text(class_in), 'before', audit.text(before_in::text));
  RETURN jsonb_build_object('request_id', q.request_id, 'state', q.state);
END $$;

-- The second person approves, and it is done in the same transaction; or somebody, also who asked, declines.
CREATE OR REPLACE FUNCTION review.answer_privacy_request(system_in text, user_in text, request_in bigint, answer_in text, reason_in text, key_in text, sealed_in text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE person review.person := review.data_protection_officer(system_in, user_in); q review.privacy_request; done jsonb;
BEGIN
  PERFORM audit.lock_retention();
  SELECT x.* INTO q FROM review.privacy_request x WHERE x.request_id = request_in FOR UPDATE;
  IF q.request_id IS NULL THEN
    PERFORM review.refuse('BO404', format('there is no request %s', request_in));
  ELSIF q.answer_key = key_in AND q.answered_by = person.person_id AND (q.answer_reason = reason_in OR q.act = 'erase_person') AND (q.state = 'carried_out') = (answer_in = 'approve') THEN
    RETURN jsonb_build_object('request_id', request_in, 'state', q.state, 'result', q.result);
  ELSIF q.state <> 'open' THEN
    PERFORM review.refuse('BO409', format('request %s is %s; there is nothing to answer', request_in, replace(q.state, '_', ' ')));
  ELSIF EXISTS (SELECT FROM review.privacy_request x WHERE x.answer_key = key_in) THEN
    PERFORM review.refuse('BO409', 'this idempotency key was used for another answer');
  ELSIF coalesce(answer_in, '') NOT IN ('approve', 'decline') OR coalesce(trim(reason_in), '') = '' THEN
    PERFORM review.refuse('BO422', 'the answer is approve or decline, with a reason');
  ELSIF answer_in = 'approve' AND q.requested_by = person.person_id THEN
    PERFORM review.refuse('BO403', format('%s asked for it; another person must approve', person.name));
  END IF;
  IF answer_in = 'approve' THEN
    PERFORM review.check_privacy_act(q, person.person_id);
  END IF;
  UPDATE review.privacy_request x SET state = CASE answer_in WHEN 'approve' THEN 'carried_out' ELSE 'declined' END, answered_by = person.person_id, answered_at = now(),
    answer_reason = reason_in, answer_key = key_in WHERE x.request_id = request_in RETURNING * INTO q;
  PERFORM vault.append_act('human', person.person_id, 'privacy:' || request_in, system_in || ':' || user_in, reason_in, sealed_in,
    'step', audit.text(CASE WHEN answer_in = 'approve' THEN 'privacy act approved' ELSE 'privacy act declined' END), 'request_id', audit.text(request_in::text), 'act', audit.text(q.act));
  IF answer_in = 'approve' THEN
    done := review.carry_out(q);
    UPDATE review.privacy_request x SET result = done WHERE x.request_id = request_in;
  END IF;
  RETURN jsonb_build_object('request_id', request_in, 'state', q.state, 'result', done);
END $$;

CREATE OR REPLACE FUNCTION review.carry_out(q review.privacy_request) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  IF q.act = 'erase_person' THEN
    RETURN vault.erase_person(q.person_id, q.basis, q.request_id, q.requested_by, q.answered_by);
  ELSIF q.act = 'purge_records' THEN
    RETURN audit.purge(q.record_class, q.before, q.request_id, q.requested_by, q.answered_by);
  END IF;
  UPDATE audit.legal_hold h SET lifted_at = now(), lifted_by = q.request_id WHERE h.hold_id = q.hold_id;
  PERFORM audit.append('human', 'hold:' || q.hold_id, audit.object('step', audit.text('hold lifted'), 'hold_id', audit.text(q.hold_id::text), 'request_id', audit.text(q.request_id::text),
    'requested_by', audit.text(q.requested_by), 'approved_by', audit.text(q.answered_by), 'at', audit.text(ops.utc(now()))));
  RETURN jsonb_build_object('hold_id', q.hold_id);
END $$;
