-- Cases with a known right answer. Before the functions that decide and book cases, which ask here.
CREATE OR REPLACE FUNCTION review.is_test_case(case_in bigint) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM vault.seeded_case t WHERE t.case_id = case_in)
$$;

-- Put past cases that were rejected among the open ones again, as they looked then: the invoice stays rejected whatever is answered. At most
-- so many wait at once; each past case is used once. To who answers it looks like any other.
CREATE OR REPLACE FUNCTION review.seed_test_cases(run_in bigint, most integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE this_run ops.run; t record; opened bigint; seeded bigint := 0;
BEGIN
  SELECT * INTO STRICT this_run FROM ops.run r WHERE r.run_id = run_in;
  PERFORM ops.lock_process(this_run.process);
  PERFORM ops.rehearse(this_run);
  FOR t IN
    SELECT c.*, a.person_id AS decided_by FROM review.case c JOIN review.answer a ON a.case_id = c.case_id AND a.final AND a.action = 'reject' AND a.booking_result = 'rejected'
    JOIN ledger.invoice_status st ON st.invoice_id = c.subject_id AND st.state = 'rejected'
    WHERE c.process = this_run.process AND c.subject_kind = 'invoice' AND c.state = 'settled' AND NOT review.is_test_case(c.case_id)
      AND c.handover -> 'actions' @> '[{"action": "accept"}]'
      AND NOT EXISTS (SELECT FROM vault.seeded_case s WHERE s.template_case = c.case_id)
      AND NOT EXISTS (SELECT FROM review.case o WHERE o.process = c.process AND o.subject_kind = c.subject_kind AND o.subject_id = c.subject_id AND o.role = c.role AND o.state IN ('open', 'half_decided', 'decided'))
    ORDER BY c.closed_at, c.case_id
    LIMIT greatest(most - (SELECT count(*) FROM vault.seeded_case s WHERE s.answered_at IS NULL), 0)
  LOOP
    INSERT INTO review.case (process, subject_kind, subject_id, subject_key, role, entity, candidate_person, title, amount, currency, due_date, discount_date, discount_percent, evidence_hash, handover, opened_run)
    VALUES (t.process, t.subject_kind, t.subject_id, t.subject_key, t.role, t.entity, nullif(t.candidate_person, t.decided_by), t.title, t.amount, t.currency,
            t.due_date + (ops.business_date(t.entity) - t.opened_at::date), t.discount_date + (ops.business_date(t.entity) - t.opened_at::date), t.discount_percent, t.evidence_hash, t.handover, run_in)
    RETURNING case_id INTO opened;
    INSERT INTO review.case_item (case_id, item_no, code) SELECT opened, x.item_no, x.code FROM review.case_item x WHERE x.case_id = t.case_id;
    INSERT INTO vault.seeded_case (case_id, template_case, expected, seeded_run) VALUES (opened, t.case_id, 'reject', run_in);
    -- the record of any case: the log does not give it away either
    PERFORM audit.append('path', 'invoice:' || t.subject_key, audit.object('step', audit.text('case opened'), 'role', audit.text(t.role),
      'codes', audit.text((SELECT string_agg(DISTINCT x.code, ', ' ORDER BY x.code) FROM review.case_item x WHERE x.case_id = opened)),
      'case_id', audit.text(opened::text), 'run_id', audit.text(run_in::text), 'at', audit.text(ops.utc(now()))));
    seeded := seeded + 1;
  END LOOP;
  RETURN seeded;
END $$;

-- Settle the test cases that were answered: nothing is released, reversed or booked. A wrong answer is an alert in the log.
CREATE OR REPLACE FUNCTION review.settle_test_cases(run_in bigint, process_in text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE a record; settled bigint := 0; right_answer boolean;
BEGIN
  FOR a IN
    SELECT DISTINCT ON (t.case_id) t.case_id, t.expected, n.answer_id, n.person_id, n.action, n.answered_at, c.subject_key, c.role
    FROM vault.seeded_case t JOIN review.case c ON c.case_id = t.case_id AND c.process = process_in AND c.state IN ('half_decided', 'decided')
    JOIN review.answer n ON n.case_id = t.case_id WHERE t.answered_at IS NULL ORDER BY t.case_id, n.answer_id
  LOOP
    right_answer := a.action = a.expected;
    UPDATE vault.seeded_case t SET answer_id = a.answer_id, person_id = a.person_id, action = a.action, passed = right_answer, answered_at = a.answered_at WHERE t.case_id = a.case_id;
    UPDATE review.answer n SET booked_at = now(), booked_run = run_in, booking_result = 'test_case' WHERE n.case_id = a.case_id AND n.booked_at IS NULL;
    UPDATE review.case_item x SET settled_at = now(), settled_by = 'test_case' WHERE x.case_id = a.case_id AND x.settled_at IS NULL;
    UPDATE review.case c SET state = 'settled', closed_at = now() WHERE c.case_id = a.case_id;
    PERFORM audit.append('path', 'invoice:' || a.subject_key, audit.object('step', audit.text('answer booked'), 'answer_id', audit.text(n.answer_id::text), 'case_id', audit.text(a.case_id::text),
      'result', audit.text('test_case'), 'run_id', audit.text(run_in::text), 'at', audit.text(ops.utc(now())))) FROM review.answer n WHERE n.case_id = a.case_id;
    PERFORM audit.append('path', 'test_case:' || a.case_id, audit.object('step', audit.text('test case answered'), 'case_id', audit.text(a.case_id::text), 'answer_id', audit.text(a.answer_id::text),
      'person_id', audit.text(a.person_id), 'expected', audit.text(a.expected), 'action', audit.text(a.action), 'passed', audit.text(right_answer::text), 'at', audit.text(ops.utc(now()))));
    IF NOT right_answer THEN
      PERFORM audit.append('alert', 'oversight', audit.object('alert', audit.text('test case answered wrongly'), 'detail', audit.text(format('case %s of %s: %s, right was %s', a.case_id, a.role, a.action, a.expected)),
        'by', audit.text(session_user::text), 'at', audit.text(ops.utc(now()))));
    END IF;
    settled := settled + 1;
  END LOOP;
  RETURN settled;
END $$;
