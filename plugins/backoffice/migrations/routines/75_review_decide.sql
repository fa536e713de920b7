-- May this person have created an order of this document? A creator whom nobody mapped to a person may be anyone, and so may
-- one whom the source does not name.
CREATE OR REPLACE FUNCTION review.may_have_ordered(person_in text, invoice_in bigint) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (
    SELECT FROM purchasing.invoice_line l JOIN purchasing.order_line o ON o.order_line_id = l.order_line_id
    LEFT JOIN review.identity d ON d.system = 'erp' AND d.user_id = o.created_by
    WHERE l.invoice_id = invoice_in AND (d.person_id IS NULL OR d.person_id = person_in))
$$;

-- May this person see cases of this process and company? Whoever holds any authority for them on the company's day; the role
-- auditor is one that decides nothing.
CREATE OR REPLACE FUNCTION review.may_read(person_in text, process_in text, entity_in text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM review.authority u WHERE u.person_id = person_in AND u.process IN ('*', process_in) AND u.entity IN ('*', entity_in)
    AND ops.business_date(entity_in) BETWEEN u.effective_from AND coalesce(u.effective_to, 'infinity'))
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
    RETURN jsonb_build_object('answer_id', earlier.answer_id, 'case_id', k.case_id, 'state', k.state, 'final', earlier.final);
  END IF;
  IF k.state NOT IN ('open', 'half_decided') THEN
    PERFORM review.refuse('BO409', format('case %s is %s; there is nothing to decide', case_in, replace(k.state, '_', ' ')));
  END IF;
  IF k.evidence_hash IS DISTINCT FROM evidence_in OR (k.subject_kind = 'invoice' AND NOT review.is_test_case(case_in) AND review.invoice_evidence(k.subject_id, k.role) IS DISTINCT FROM evidence_in) THEN
    PERFORM review.refuse('BO409', format('the facts of case %s changed since they were shown; look at it again', case_in));
  END IF;
  SELECT a INTO offered FROM jsonb_array_elements(k.handover -> 'actions') AS a WHERE a ->> 'action' = action_in;
  IF offered IS NULL THEN
    PERFORM review.refuse('BO422', format('action %s is not possible here; possible: %s', action_in, (SELECT string_agg(a ->> 'action', ', ') FROM jsonb_array_elements(k.handover -> 'actions') AS a)));
  END IF;
  IF coalesce(trim(reason_in), '') = '' OR NOT (offered -> 'reason_codes') ? coalesce(reason_code_in, '') THEN
    PERFORM review.refuse('BO422', format('a reason and one of the reason codes are needed: %s', (SELECT string_agg(r, ', ') FROM jsonb_array_elements_text(offered -> 'reason_codes') AS r)));
  END IF;
  IF NOT EXISTS (SELECT FROM review.authority u WHERE u.person_id = person.person_id AND u.role = k.role AND u.process IN ('*', k.process) AND u.entity IN ('*', k.entity)
      AND ops.business_date(k.entity) BETWEEN u.effective_from AND coalesce(u.effective_to, 'infinity')
      -- an amount in another currency than the limit's is above every limit when it is to be accepted
      AND (k.amount IS NULL OR (u.amount_limit >= k.amount AND (u.currency = k.currency OR action_in <> 'accept')))) THEN
    PERFORM review.refuse('BO403', format('%s has no authority as %s for %s %s', person.name, k.role, coalesce(trim_scale(k.amount)::text, 'a document of unknown amount'), coalesce(k.currency, '')));
  END IF;
  IF k.subject_kind = 'invoice' AND review.may_have_ordered(person.person_id, k.subject_id) THEN
    PERFORM review.refuse('BO403', format('%s created an order of this invoice, or nobody knows who did; another person decides. A creator is known when the source names one and review.identity (system erp) maps that user id to a person', person.name));
  END IF;
  IF k.state = 'half_decided' THEN
    SELECT * INTO earlier FROM review.answer a WHERE a.case_id = case_in AND NOT a.final ORDER BY a.answer_id DESC LIMIT 1;
    IF earlier.person_id = person.person_id THEN
      PERFORM review.refuse('BO403', format('%s gave the first of two answers; another person must give the second', person.name));
    END IF;
  END IF;
  -- two must agree; a second person who decides otherwise decides alone where one person suffices
  is_final := NOT (offered ->> 'needs_second_person')::boolean
    OR (k.state = 'half_decided' AND earlier.action = action_in AND earlier.evidence_hash = evidence_in);

  INSERT INTO ledger.decision (process, subject_kind, subject_id, subject_key, maker, outcome, rule, authority, evidence_hash, explanation, person_id, case_id, reason_code, run_id)
  VALUES (k.process, k.subject_kind, k.subject_id, k.subject_key, 'human', action_in, 'case ' || k.case_id, k.role, evidence_in,
          jsonb_build_object('title', k.title, 'final', is_final), person.person_id, k.case_id, reason_code_in, NULL)
  RETURNING decision_id INTO decided;
  INSERT INTO review.answer (case_id, idempotency_key, person_id, principal, action, reason_code, reason, evidence_hash, decision_id, final, sealed)
  VALUES (case_in, key_in, person.person_id, system_in || ':' || user_in, action_in, reason_code_in, reason_in, evidence_in, decided, is_final, sealed_in)
  ON CONFLICT (idempotency_key) DO NOTHING RETURNING answer_id INTO answered;
  IF answered IS NULL THEN -- the same key for another case, at the same moment
    PERFORM review.refuse('BO409', 'this idempotency key was used for another answer');
  END IF;
  UPDATE review.case c SET state = CASE WHEN is_final THEN 'decided' ELSE 'half_decided' END WHERE c.case_id = case_in RETURNING * INTO k;
  PERFORM vault.append_act('human', person.person_id, CASE k.subject_kind WHEN 'invoice' THEN 'invoice:' ELSE 'document:' END || k.subject_key,
    system_in || ':' || user_in, reason_in, sealed_in,
    'answer_id', audit.text(answered::text), 'case_id', audit.text(case_in::text), 'decision_id', audit.text(decided::text),
    'role', audit.text(k.role), 'action', audit.text(action_in), 'reason_code', audit.text(reason_code_in),
    'final', audit.text(is_final::text), 'evidence_sha256', audit.text(encode(evidence_in, 'hex')));
  PERFORM pg_notify('backoffice_review', case_in::text);
  RETURN jsonb_build_object('answer_id', answered, 'case_id', case_in, 'state', k.state, 'final', is_final);
END $$;
