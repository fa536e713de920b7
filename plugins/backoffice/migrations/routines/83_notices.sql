-- Reminders and escalations that the life of a case brought. Where that part is not installed, there are none.
CREATE OR REPLACE FUNCTION review.steps_to_tell(process_in text) RETURNS TABLE (step_id bigint, case_id bigint, kind text, role text, claimed_by text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF to_regclass('review.case_step') IS NOT NULL THEN
    RETURN QUERY EXECUTE $q$
      SELECT s.step_id, s.case_id, CASE s.step WHEN 'reminded' THEN 'reminder' ELSE 'escalation' END, coalesce(s.role, c.role), to_jsonb(c) ->> 'claimed_by'
      FROM review.case_step s JOIN review.case c ON c.case_id = s.case_id
      WHERE s.step IN ('reminded', 'escalated') AND c.process = $1 AND c.state IN ('open', 'half_decided') $q$ USING process_in;
  END IF;
END $$;

-- Write what is to be told and was not told yet: one notice per receiver and kind for all its cases, at most one of a kind within the
-- throttle; what comes meanwhile is in the next. Told are the person in the document or who claimed the case, else everybody whose role and
-- limit fit; of an escalation everybody of the role that it went to. The channel hears numbers alone.
CREATE OR REPLACE FUNCTION review.write_notices(process_in text, mail_in boolean, channel_in boolean, throttle_in interval) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE notices bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('backoffice:notices:' || process_in, 0));
  WITH happened AS MATERIALIZED (
    SELECT 'opened' AS kind, 0::bigint AS step_id, c.case_id, c.role, c.candidate_person AS person_id FROM review.case c WHERE c.process = process_in AND c.state IN ('open', 'half_decided')
    UNION ALL
    SELECT s.kind, s.step_id, s.case_id, s.role, CASE s.kind WHEN 'reminder' THEN coalesce(s.claimed_by, c.candidate_person) END
    FROM review.steps_to_tell(process_in) s JOIN review.case c ON c.case_id = s.case_id
  ), told AS (
    SELECT h.kind, h.step_id, h.case_id, h.person_id AS receiver FROM happened h WHERE mail_in AND h.person_id IS NOT NULL
    UNION
    SELECT h.kind, h.step_id, h.case_id, u.person_id FROM happened h JOIN review.case c ON c.case_id = h.case_id
    JOIN review.authority u ON u.role = h.role AND u.process IN ('*', c.process) AND u.entity IN ('*', c.entity)
      AND ops.business_date(c.entity) BETWEEN u.effective_from AND coalesce(u.effective_to, 'infinity')
      AND (c.amount IS NULL OR u.currency <> c.currency OR u.amount_limit >= c.amount)
    WHERE mail_in AND h.person_id IS NULL
    UNION
    -- who answered a test case learns afterwards that it was one
    SELECT 'test_case', 0, t.case_id, t.person_id FROM vault.seeded_case t JOIN review.case c ON c.case_id = t.case_id WHERE mail_in AND c.process = process_in AND t.answered_at IS NOT NULL
    UNION
    SELECT h.kind, h.step_id, h.case_id, '' FROM happened h WHERE channel_in
  ), fresh AS MATERIALIZED (
    SELECT t.* FROM told t LEFT JOIN review.person p ON p.person_id = t.receiver
    WHERE (t.receiver = '' OR p.active AND p.email IS NOT NULL)
      AND NOT EXISTS (SELECT FROM review.notice_case n WHERE n.case_id = t.case_id AND n.receiver = t.receiver AND n.kind = t.kind AND n.step_id = t.step_id)
      AND NOT EXISTS (SELECT FROM review.notice n WHERE n.process = process_in AND n.kind = t.kind AND n.person_id IS NOT DISTINCT FROM nullif(t.receiver, '') AND n.written_at > now() - throttle_in)
  ), written AS (
    INSERT INTO review.notice (process, kind, person_id) SELECT DISTINCT process_in, f.kind, nullif(f.receiver, '') FROM fresh f RETURNING notice_id, kind, person_id
  ), marked AS (
    INSERT INTO review.notice_case (notice_id, kind, receiver, case_id, step_id)
    SELECT w.notice_id, f.kind, f.receiver, f.case_id, f.step_id FROM fresh f JOIN written w ON w.kind = f.kind AND coalesce(w.person_id, '') = f.receiver
  ), queued AS (
    INSERT INTO ops.outbox (idempotency_key, destination, payload)
    SELECT 'notice/' || w.notice_id, 'notice', jsonb_strip_nulls(jsonb_build_object('notice_id', w.notice_id::text, 'kind', w.kind, 'person_id', w.person_id)) FROM written w
  ), recorded AS (
    SELECT count(*) AS n, array_agg('notice:' || w.notice_id ORDER BY w.notice_id) AS subjects,
           array_agg(audit.object('step', audit.text('notice written'), 'notice_id', audit.text(w.notice_id::text), 'notice', audit.text(w.kind), 'process', audit.text(process_in), 'person_id', audit.text(w.person_id),
             'cases', audit.text((SELECT count(DISTINCT f.case_id) FROM fresh f WHERE f.kind = w.kind AND f.receiver = coalesce(w.person_id, ''))::text), 'at', audit.text(ops.utc(now()))) ORDER BY w.notice_id) AS bodies
    FROM written w
  )
  SELECT r.n INTO notices FROM recorded r LEFT JOIN LATERAL (SELECT audit.append_many('path', r.subjects, r.bodies) WHERE r.n > 0) AS done(ok) ON true;
  RETURN notices;
END $$;

-- The next notice to send, locked until it is marked: two senders never have the same one.
CREATE OR REPLACE FUNCTION review.take_notice(except_in bigint[]) RETURNS TABLE (outbox_id bigint, notice_id bigint, kind text, person_id text, email text)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT o.outbox_id, n.notice_id, n.kind, n.person_id, p.email FROM ops.outbox o JOIN review.notice n ON o.idempotency_key = 'notice/' || n.notice_id
  LEFT JOIN review.person p ON p.person_id = n.person_id AND p.active
  WHERE o.sent_at IS NULL AND o.destination = 'notice' AND o.outbox_id <> ALL (except_in) ORDER BY o.attempts, o.outbox_id LIMIT 1 FOR UPDATE OF o SKIP LOCKED
$$;

-- What a notice may say to its receiver now: cases that still wait and that the receiver may see; of test cases what came of them.
CREATE OR REPLACE FUNCTION review.notice_cases(notice_in bigint) RETURNS TABLE (case_id bigint, role text, codes text, due_date date, chosen text, expected text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.case_id, c.role, (SELECT string_agg(DISTINCT x.code, ', ' ORDER BY x.code) FROM review.case_item x WHERE x.case_id = c.case_id), c.due_date, t.action, t.expected
  FROM review.notice n JOIN (SELECT DISTINCT k.notice_id, k.case_id FROM review.notice_case k) k ON k.notice_id = n.notice_id JOIN review.case c ON c.case_id = k.case_id
  LEFT JOIN vault.seeded_case t ON n.kind = 'test_case' AND t.case_id = c.case_id AND t.person_id = n.person_id AND t.answered_at IS NOT NULL
  WHERE n.notice_id = notice_in AND (n.person_id IS NULL OR review.may_read(n.person_id, c.process, c.entity))
    AND CASE n.kind WHEN 'test_case' THEN t.case_id IS NOT NULL ELSE c.state IN ('open', 'half_decided') END
  ORDER BY c.due_date NULLS LAST, c.case_id
$$;
