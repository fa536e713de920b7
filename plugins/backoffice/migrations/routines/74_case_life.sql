-- The acts of people on a case besides deciding it: take, give back, hand on, ask, answer, say, attach (73_case_state.sql).

-- Why could this person do nothing with a case but look at it? Asked of what decides (review.judge): limits, absences, parts in the
-- document, answers given. NULL when at least one of its actions is theirs to take, or an entry of a batch to take out.
CREATE OR REPLACE FUNCTION review.why_no_work(person_in text, k review.case) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE refusals text[];
BEGIN
  SELECT array_agg(j.reason ORDER BY o.n) INTO refusals FROM jsonb_array_elements(k.handover -> 'actions') WITH ORDINALITY AS o(offered, n)
  CROSS JOIN LATERAL review.judge(person_in, ARRAY[k.case_id], o.offered ->> 'action') j;
  IF refusals IS NULL THEN -- nobody can decide it; its role may look after it
    RETURN CASE WHEN NOT review.holds_role(person_in, k, k.role) THEN format('%s has no authority as %s', review.name_of(person_in), review.role_in_words(k.role)) END;
  ELSIF array_position(refusals, NULL) IS NOT NULL OR k.subject_kind = 'batch_signoff' AND review.why_nothing_taken_out(person_in, k.case_id) IS NULL THEN
    RETURN NULL;
  END IF;
  RETURN refusals[1];
END $$;

-- The same for the pages, of a case by its number.
CREATE OR REPLACE FUNCTION review.why_not_work_on(person_in text, case_in bigint) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT review.why_no_work(person_in, c) FROM review.case c WHERE c.case_id = case_in
$$;

-- Take a case. Of two at once the first has it; the other is told who. Whoever could do nothing with it is told why.
CREATE OR REPLACE FUNCTION review.claim_case(case_in bigint, system_in text, user_in text, key_in text, sealed_in text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE person review.person := review.person_behind(system_in, user_in); k review.case := review.case_in_hand(case_in, person.person_id);
  again bigint := review.act_again(key_in, case_in, person.person_id, 'claim', ''); refused text;
BEGIN
  IF again IS NOT NULL THEN RETURN review.case_answer(case_in, again); END IF;
  PERFORM review.check_alive(k);
  PERFORM review.check_claim(k, person.person_id);
  IF k.claimed_by = person.person_id THEN
    RETURN review.case_answer(case_in, NULL);
  END IF;
  refused := review.why_no_work(person.person_id, k);
  IF refused IS NOT NULL THEN
    PERFORM review.refuse('BO403', refused);
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

-- Hand a case to another person, who could decide it in at least one way.
CREATE OR REPLACE FUNCTION review.reassign_case(case_in bigint, system_in text, user_in text, to_person_in text, reason_in text, key_in text, sealed_in text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE person review.person := review.person_behind(system_in, user_in); k review.case := review.case_in_hand(case_in, person.person_id);
  again bigint := review.act_again(key_in, case_in, person.person_id, 'reassign', reason_in, to_person_in); receiver review.person; refused text;
BEGIN
  IF again IS NOT NULL THEN RETURN review.case_answer(case_in, again); END IF;
  PERFORM review.check_alive(k);
  PERFORM review.check_words(reason_in, 'reason');
  IF NOT review.stands_above(person.person_id, k) THEN
    PERFORM review.check_claim(k, person.person_id);
    -- who has it and may not decide it any more can still hand it on
    refused := CASE WHEN k.claimed_by IS DISTINCT FROM person.person_id THEN review.why_no_work(person.person_id, k) END;
    IF refused IS NOT NULL THEN
      PERFORM review.refuse('BO403', refused);
    END IF;
  END IF;
  SELECT * INTO receiver FROM review.person p WHERE p.person_id = to_person_in AND p.active;
  refused := CASE WHEN receiver.person_id IS NOT NULL THEN review.why_no_work(receiver.person_id, k) ELSE format('there is no active person %s', to_person_in) END;
  IF k.claimed_by = receiver.person_id THEN
    RAISE EXCEPTION '%', format('%s has the case already', receiver.name) USING ERRCODE = 'BO422', COLUMN = 'to_person';
  ELSIF refused IS NOT NULL THEN
    RAISE EXCEPTION '%', refused USING ERRCODE = 'BO422', COLUMN = 'to_person';
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
  again bigint := review.act_again(key_in, case_in, person.person_id, 'ask', question_in, whom_in); asked text; rounds integer; up review.escalation; refused text;
BEGIN
  IF again IS NOT NULL THEN RETURN review.case_answer(case_in, again); END IF;
  PERFORM review.check_alive(k);
  PERFORM review.check_claim(k, person.person_id);
  PERFORM review.check_words(question_in, 'question');
  -- who asks has the case from then on
  refused := CASE WHEN k.claimed_by IS DISTINCT FROM person.person_id THEN review.why_no_work(person.person_id, k) END;
  IF refused IS NOT NULL THEN
    PERFORM review.refuse('BO403', refused);
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
    PERFORM review.refuse('BO403', format('%s was not asked and has no authority as %s', person.name, review.role_in_words(k.role)));
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

-- Does the end of a file's name belong to what its bytes are? A program named so is no text, whatever stands in it.
CREATE OR REPLACE FUNCTION review.name_fits(filename_in text, kind text) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
RETURN lower(filename_in) ~ CASE kind WHEN 'application/pdf' THEN '\.pdf$' WHEN 'image/png' THEN '\.png$' WHEN 'image/jpeg' THEN '\.jpe?g$' WHEN 'image/gif' THEN '\.gif$' WHEN 'image/tiff' THEN '\.tiff?$'
  WHEN 'application/zip' THEN '\.(zip|docx|xlsx|pptx|odt|ods|odp)$' WHEN 'application/xml' THEN '\.(xml|xrechnung|ubl|cii|xsd)$' WHEN 'text/html' THEN '\.html?$'
  WHEN 'text/plain' THEN '\.(txt|text|csv|tsv|log|md|json|edi|eml|xml)$' ELSE '' END;

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
  ELSIF NOT review.name_fits(filename_in, kind) THEN
    RAISE EXCEPTION '%', format('by its bytes the file is %s, but its name ends in %s', kind, coalesce(substring(filename_in FROM '\.[^.]{1,20}$'), 'nothing')) USING ERRCODE = 'BO422', COLUMN = 'file';
  END IF;
  again := review.enter_act(k, person.person_id, system_in || ':' || user_in, 'attach', filename_in, key_in, sealed_in, file_in => content_in);
  RETURN review.case_answer(case_in, again);
END $$;
