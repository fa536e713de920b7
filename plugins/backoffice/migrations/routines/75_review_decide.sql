DROP FUNCTION IF EXISTS review.may_have_ordered(text, bigint);
-- May this person see cases of this process and company? Whoever holds any authority for them on the company's day; the role
-- auditor is one that decides nothing.
CREATE OR REPLACE FUNCTION review.may_read(person_in text, process_in text, entity_in text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM review.authority u WHERE u.person_id = person_in AND u.process IN ('*', process_in) AND u.entity IN ('*', entity_in)
    AND ops.business_date(entity_in) BETWEEN u.effective_from AND coalesce(u.effective_to, 'infinity'))
$$;

-- What a program is told of an answer: whose it is, on whose behalf, and how many have agreed of how many that are needed.
CREATE OR REPLACE FUNCTION review.answer_told(answer_in bigint, state_in text) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_build_object('answer_id', n.answer_id, 'case_id', n.case_id, 'state', state_in, 'final', n.final, 'person', p.name, 'on_behalf_of', f.name, 'persons_needed', n.persons_needed,
    'persons_given', (SELECT count(DISTINCT v.person_id) FROM review.answer v WHERE v.case_id = n.case_id AND v.action = n.action AND v.evidence_hash = n.evidence_hash AND v.answer_id <= n.answer_id
                      AND v.answer_id > coalesce((SELECT max(x.answer_id) FROM review.answer x WHERE x.case_id = n.case_id AND x.final AND x.answer_id < n.answer_id), 0)))
  FROM review.answer n JOIN review.person p ON p.person_id = n.person_id LEFT JOIN review.person f ON f.person_id = n.acted_for WHERE n.answer_id = answer_in
$$;

-- Record one person's answer to a case. Executable by backoffice_web alone. Acts on nothing: book_answers does.
-- The same idempotency key with the same content returns the first answer. sealed_in is the log-in and the reason, encrypted under the
-- person's key: the log holds these, the answer's row the plain text.
DROP FUNCTION IF EXISTS review.decide_case(bigint, text, text, text, text, text, bytea, text);
CREATE OR REPLACE FUNCTION review.decide_case(case_in bigint, system_in text, user_in text, action_in text, reason_code_in text, reason_in text,
                                              evidence_in bytea, key_in text, sealed_in text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE k review.case; person review.person := review.person_behind(system_in, user_in); earlier review.answer; offered jsonb; is_final boolean; decided bigint; answered bigint;
  judged record; needed record; given integer; roles_given text[];
BEGIN
  SELECT * INTO k FROM review.case c WHERE c.case_id = case_in FOR UPDATE;
  IF k.case_id IS NULL THEN
    PERFORM review.refuse('BO404', format('there is no case %s', case_in));
  END IF;
  SELECT * INTO earlier FROM review.answer a WHERE a.idempotency_key = key_in;
  IF earlier.answer_id IS NOT NULL THEN
    IF (earlier.case_id, earlier.person_id, earlier.action, earlier.reason_code, earlier.reason) IS DISTINCT FROM (case_in, person.person_id, action_in, reason_code_in, reason_in) THEN
      PERFORM review.refuse('BO409', 'this idempotency key was used for another answer');
    END IF;
    RETURN review.answer_told(earlier.answer_id, k.state);
  END IF;
  IF k.state NOT IN ('open', 'half_decided') THEN
    PERFORM review.refuse('BO409', format('case %s is %s; there is nothing to decide', case_in, replace(k.state, '_', ' ')));
  END IF;
  PERFORM review.check_claim(k, person.person_id);
  IF k.evidence_hash IS DISTINCT FROM evidence_in OR (k.subject_kind = 'invoice' AND NOT review.is_test_case(case_in) AND review.invoice_evidence(k.subject_id, k.role) IS DISTINCT FROM evidence_in)
    OR (k.subject_kind = 'batch_signoff' AND EXISTS (SELECT FROM review.batch_changes(k.subject_id))) THEN
    PERFORM review.refuse('BO409', format('the facts of case %s changed since they were shown%s; look at it again', case_in,
      coalesce(': ' || review.changes_in_words(review.changes_since(case_in, evidence_in)), '')));
  END IF;
  SELECT a INTO offered FROM jsonb_array_elements(k.handover -> 'actions') AS a WHERE a ->> 'action' = action_in;
  IF offered IS NULL THEN
    PERFORM review.refuse('BO422', format('case %s offers %s; not %s', case_in,
      (SELECT string_agg(coalesce(a ->> 'label', review.action_in_words(a ->> 'action')), ', ') FROM jsonb_array_elements(k.handover -> 'actions') AS a), coalesce(review.action_in_words(action_in), 'nothing')));
  END IF;
  IF coalesce(trim(reason_in), '') = '' OR NOT (offered -> 'reason_codes') ? coalesce(reason_code_in, '') THEN
    PERFORM review.refuse('BO422', format('a reason and one of the reason codes are needed: %s', (SELECT string_agg(r, ', ') FROM jsonb_array_elements_text(offered -> 'reason_codes') AS r)));
  END IF;
  -- role, limits, substitutes, parts in the document, answers given already: routines/74_authority.sql
  SELECT * INTO judged FROM review.judge(person.person_id, ARRAY[case_in], action_in) j;
  IF judged.kind IS NOT NULL THEN
    PERFORM review.refuse('BO403', judged.reason);
  END IF;
  -- it is final when so many different persons agreed on the same facts and the roles that are asked for are among them, or by a veto.
  -- A second person who decides otherwise decides alone where one person suffices.
  SELECT * INTO STRICT needed FROM review.quorum(ARRAY[case_in], action_in);
  SELECT count(DISTINCT v.person_id) + 1, judged.as_roles || coalesce(array_agg(r.role) FILTER (WHERE r.role IS NOT NULL), '{}') INTO given, roles_given
  FROM review.answer v LEFT JOIN LATERAL unnest(v.as_roles) AS r(role) ON true
  WHERE k.state = 'half_decided' AND v.case_id = case_in AND NOT v.final AND v.action = action_in AND v.evidence_hash = evidence_in
    AND v.answer_id > coalesce((SELECT max(f.answer_id) FROM review.answer f WHERE f.case_id = case_in AND f.final), 0);
  IF action_in = 'reject' AND judged.as_roles && needed.veto_roles THEN
    needed.persons := 1; needed.with_roles := '{}';
  END IF;
  is_final := given >= needed.persons AND roles_given @> needed.with_roles;

  INSERT INTO ledger.decision (process, subject_kind, subject_id, subject_key, maker, outcome, rule, authority, evidence_hash, explanation, person_id, case_id, reason_code, run_id)
  VALUES (k.process, k.subject_kind, k.subject_id, k.subject_key, 'human', action_in, 'case ' || k.case_id, k.role, evidence_in,
          jsonb_strip_nulls(jsonb_build_object('title', k.title, 'final', is_final, 'on_behalf_of', judged.acts_for)), person.person_id, k.case_id, reason_code_in, NULL)
  RETURNING decision_id INTO decided;
  INSERT INTO review.answer (case_id, idempotency_key, person_id, principal, action, reason_code, reason, evidence_hash, decision_id, final, sealed, acted_for, as_roles, persons_needed)
  VALUES (case_in, key_in, person.person_id, system_in || ':' || user_in, action_in, reason_code_in, reason_in, evidence_in, decided, is_final, sealed_in, judged.acts_for, judged.as_roles, needed.persons)
  ON CONFLICT (idempotency_key) DO NOTHING RETURNING answer_id INTO answered;
  IF answered IS NULL THEN -- the same key for another case, at the same moment
    PERFORM review.refuse('BO409', 'this idempotency key was used for another answer');
  END IF;
  UPDATE review.case c SET state = CASE WHEN is_final THEN 'decided' ELSE 'half_decided' END WHERE c.case_id = case_in RETURNING * INTO k;
  PERFORM vault.append_act('human', person.person_id, review.log_subject(k.subject_kind, k.subject_key),
    system_in || ':' || user_in, reason_in, sealed_in,
    'answer_id', audit.text(answered::text), 'case_id', audit.text(case_in::text), 'decision_id', audit.text(decided::text),
    'role', audit.text(k.role), 'action', audit.text(action_in), 'reason_code', audit.text(reason_code_in),
    'final', audit.text(is_final::text), 'on_behalf_of', audit.text(judged.acts_for),
    'as_roles', audit.text(array_to_string(judged.as_roles, ', ')), 'persons_needed', audit.text(needed.persons::text), 'evidence_sha256', audit.text(encode(evidence_in, 'hex')));
  PERFORM pg_notify('backoffice_review', case_in::text);
  RETURN review.answer_told(answered, k.state);
END $$;
