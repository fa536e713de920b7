-- How people decide: how long they look and how often they accept, by team. A team is a role.
-- A decision took as long as it is since the same person's answer before; after a pause of half an hour nobody knows how long.
CREATE OR REPLACE VIEW review.decision_time AS
SELECT a.answer_id, a.person_id, c.role, c.process, c.entity, a.action, a.answered_at, CASE WHEN t.gap <= interval '30 minutes' THEN extract(epoch FROM t.gap) END AS seconds
FROM review.answer a JOIN review.case c ON c.case_id = a.case_id
CROSS JOIN LATERAL (SELECT a.answered_at - (SELECT p.answered_at FROM review.answer p WHERE p.person_id = a.person_id AND (p.answered_at, p.answer_id) < (a.answered_at, a.answer_id)
                                            ORDER BY p.answered_at DESC, p.answer_id DESC LIMIT 1) AS gap) t;

-- What became of a request to measure single persons: asked, in_force, declined, ended (by somebody) or expired (its last day has passed).
CREATE OR REPLACE FUNCTION review.measure_state(m review.person_measure) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN m.ended_at IS NOT NULL THEN 'ended' WHEN NOT m.approved THEN 'declined' WHEN m.until < audit.today() THEN 'expired'
              WHEN m.approved THEN 'in_force' ELSE 'asked' END
$$;

-- Why this data protection officer may not do this with a request; no code and no message when they may.
CREATE OR REPLACE FUNCTION review.why_no_measure_act(m review.person_measure, person_in text, act_in text, OUT code text, OUT message text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN r.message IS NULL THEN NULL WHEN r.is_own THEN 'BO403' ELSE 'BO409' END, r.message
  FROM (SELECT NOT a.wrong AND a.own AS is_own,
               CASE WHEN a.wrong AND act_in = 'end' THEN format('request %s is not in force', m.measure_id)
                    WHEN a.wrong AND a.state = 'expired' THEN format('the last day of request %s has passed', m.measure_id)
                    WHEN a.wrong THEN format('request %s was answered already', m.measure_id)
                    WHEN a.own THEN (SELECT p.name FROM review.person p WHERE p.person_id = person_in) || ' asked for it; another person must approve' END AS message
        FROM (SELECT review.measure_state(m) AS state, review.measure_state(m) <> CASE act_in WHEN 'end' THEN 'in_force' ELSE 'asked' END AS wrong,
                     act_in = 'approve' AND m.requested_by = person_in AS own) a) r
$$;

-- Is measuring single persons switched on today, by two persons?
CREATE OR REPLACE FUNCTION review.persons_are_measured() RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM review.person_measure m WHERE review.measure_state(m) = 'in_force')
$$;

-- One row per team; with measuring of persons switched on one per person of a team as well. Too quick: at least so many measured decisions
-- and a median below the limit.
CREATE OR REPLACE FUNCTION review.how_people_decide(process_in text, since timestamptz, until timestamptz)
RETURNS TABLE (role text, person_id text, decisions bigint, measured bigint, median_seconds numeric, approved_share numeric, too_quick boolean, approves_all boolean)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT d.role, d.person_id, d.decisions, d.measured, d.median_seconds, d.approved_share,
         d.measured >= l.least_decisions AND d.median_seconds < l.least_seconds, d.decisions >= l.least_decisions AND d.approved_share >= l.most_approved
  FROM (
    SELECT t.role, t.person_id, count(*) AS decisions, count(t.seconds) AS measured, round(percentile_cont(0.5) WITHIN GROUP (ORDER BY t.seconds)::numeric, 1) AS median_seconds,
           round(count(*) FILTER (WHERE t.action = 'accept')::numeric / count(*), 4) AS approved_share
    FROM review.decision_time t WHERE t.process = process_in AND t.answered_at >= since AND t.answered_at < until
    GROUP BY GROUPING SETS ((t.role), (t.role, t.person_id)) HAVING grouping(t.person_id) = 1 OR review.persons_are_measured()
  ) d JOIN LATERAL (SELECT o.* FROM review.oversight_limit o WHERE o.role IN (d.role, '*') ORDER BY o.role = '*' LIMIT 1) l ON true
$$;

-- Alarm about teams that decide too quickly to look, each at most once a day.
CREATE OR REPLACE FUNCTION review.check_oversight(process_in text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE team record; raised bigint := 0;
BEGIN
  IF NOT EXISTS (SELECT FROM review.answer a WHERE a.answered_at > now() - interval '1 day') THEN RETURN 0; END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('backoffice:oversight', 0));
  FOR team IN SELECT * FROM review.how_people_decide(process_in, now() - interval '1 day', 'infinity') h WHERE h.too_quick AND h.person_id IS NULL LOOP
    IF NOT EXISTS (SELECT FROM audit.record r WHERE r.subject = 'oversight' AND r.kind = 'alert' AND r.recorded_at > now() - interval '1 day'
                   AND convert_from(r.body, 'UTF8')::jsonb @> jsonb_build_object('alert', 'decided too quickly', 'process', process_in, 'role', team.role)) THEN
      PERFORM audit.append('alert', 'oversight', audit.object('alert', audit.text('decided too quickly'), 'process', audit.text(process_in), 'role', audit.text(team.role),
        'detail', audit.text(format('%s: %s decisions within a day, half of them in less than %s s; %s %% accepted', team.role, team.decisions, team.median_seconds, round(team.approved_share * 100))),
        'by', audit.text(session_user::text), 'at', audit.text(ops.utc(now()))));
      raised := raised + 1;
    END IF;
  END LOOP;
  RETURN raised;
END $$;

-- What the report says of the last seven days: teams, never persons.
CREATE OR REPLACE FUNCTION review.oversight_report(process_in text) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_build_object(
    'teams', (SELECT coalesce(jsonb_agg(jsonb_build_object('role', h.role, 'decisions', h.decisions, 'measured', h.measured, 'median_seconds', h.median_seconds::text,
        'approved_share', h.approved_share::text, 'too_quick', h.too_quick, 'approves_all', h.approves_all) ORDER BY h.role), '[]')
      FROM review.how_people_decide(process_in, now() - interval '7 days', 'infinity') h WHERE h.person_id IS NULL),
    'test_cases', (SELECT jsonb_build_object('answered', count(*), 'wrong', count(*) FILTER (WHERE NOT t.passed),
        'wrong_by_role', (SELECT coalesce(jsonb_agg(jsonb_build_object('role', w.role, 'wrong', w.n) ORDER BY w.role), '[]')
          FROM (SELECT c.role, count(*) AS n FROM vault.seeded_case s JOIN review.case c ON c.case_id = s.case_id
                WHERE c.process = process_in AND NOT s.passed AND s.answered_at > now() - interval '7 days' GROUP BY c.role) w))
      FROM vault.seeded_case t JOIN review.case k ON k.case_id = t.case_id WHERE k.process = process_in AND t.answered_at > now() - interval '7 days'))
$$;

-- Two data protection officers switch measuring of single persons on, until a day at most a year ahead: one asks, another approves. Either
-- of them, or any third, declines what waits and ends what is in force, alone.
CREATE OR REPLACE FUNCTION review.ask_person_measure(system_in text, user_in text, until_in date, reason_in text, key_in text, sealed_in text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE person review.person := review.data_protection_officer(system_in, user_in); m review.person_measure;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('backoffice:person_measure', 0));
  SELECT x.* INTO m FROM review.person_measure x WHERE x.idempotency_key = key_in;
  IF m.measure_id IS NOT NULL THEN
    IF (m.until, m.reason, m.requested_by) IS DISTINCT FROM (until_in, reason_in, person.person_id) THEN
      PERFORM review.refuse('BO409', 'this idempotency key was used for another request');
    END IF;
    RETURN jsonb_build_object('measure_id', m.measure_id, 'state', review.measure_state(m));
  ELSIF coalesce(trim(reason_in), '') = '' THEN
    PERFORM review.refuse_field('reason', 'a reason is needed');
  ELSIF until_in IS NULL OR until_in < audit.today() OR until_in > audit.today() + 366 THEN
    PERFORM review.refuse_field('until', 'the last day is today or later, and at most a year ahead');
  ELSIF EXISTS (SELECT FROM review.person_measure x WHERE review.measure_state(x) = 'asked') THEN
    PERFORM review.refuse('BO409', 'this was asked for already and waits for its second person');
  END IF;
  INSERT INTO review.person_measure (until, reason, idempotency_key, requested_by) VALUES (until_in, reason_in, key_in, person.person_id) RETURNING * INTO m;
  PERFORM vault.append_act('human', person.person_id, 'person_measure:' || m.measure_id, system_in || ':' || user_in, reason_in, sealed_in,
    'step', audit.text('measuring of persons requested'), 'measure_id', audit.text(m.measure_id::text), 'until', audit.text(until_in::text));
  RETURN jsonb_build_object('measure_id', m.measure_id, 'state', review.measure_state(m));
END $$;

CREATE OR REPLACE FUNCTION review.answer_person_measure(system_in text, user_in text, measure_in bigint, answer_in text, reason_in text, key_in text, sealed_in text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE person review.person := review.data_protection_officer(system_in, user_in); m review.person_measure; refusal record;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('backoffice:person_measure', 0));
  SELECT x.* INTO m FROM review.person_measure x WHERE x.measure_id = measure_in FOR UPDATE;
  IF m.measure_id IS NULL THEN
    PERFORM review.refuse('BO404', format('there is no request %s', measure_in));
  ELSIF (CASE answer_in WHEN 'end' THEN (m.end_key, m.ended_by, m.end_reason) = (key_in, person.person_id, reason_in)
                       ELSE (m.answer_key, m.answered_by, m.answer_reason, m.approved) = (key_in, person.person_id, reason_in, answer_in = 'approve') END) THEN
    RETURN jsonb_build_object('measure_id', measure_in, 'approved', answer_in = 'approve', 'state', review.measure_state(m));
  ELSIF coalesce(answer_in, '') NOT IN ('approve', 'decline', 'end') OR coalesce(trim(reason_in), '') = '' THEN
    PERFORM review.refuse('BO422', 'the answer is approve, decline or end, with a reason');
  ELSIF EXISTS (SELECT FROM review.person_measure x WHERE key_in IN (x.answer_key, x.end_key)) THEN
    PERFORM review.refuse('BO409', 'this idempotency key was used for another answer');
  END IF;
  SELECT w.* INTO refusal FROM review.why_no_measure_act(m, person.person_id, answer_in) w;
  IF refusal.code IS NOT NULL THEN
    PERFORM review.refuse(refusal.code, refusal.message);
  ELSIF answer_in = 'end' THEN
    UPDATE review.person_measure x SET ended_at = now(), ended_by = person.person_id, end_reason = reason_in, end_key = key_in WHERE x.measure_id = measure_in RETURNING * INTO m;
  ELSE
    UPDATE review.person_measure x SET answered_at = now(), answered_by = person.person_id, answer_reason = reason_in, answer_key = key_in, approved = answer_in = 'approve'
    WHERE x.measure_id = measure_in RETURNING * INTO m;
  END IF;
  PERFORM vault.append_act('human', person.person_id, 'person_measure:' || measure_in, system_in || ':' || user_in, reason_in, sealed_in,
    'step', audit.text(CASE answer_in WHEN 'approve' THEN 'measuring of persons approved' WHEN 'decline' THEN 'measuring of persons declined' ELSE 'measuring of persons ended' END),
    'measure_id', audit.text(measure_in::text));
  RETURN jsonb_build_object('measure_id', measure_in, 'approved', answer_in = 'approve', 'state', review.measure_state(m));
END $$;
