-- What becomes of a case that nobody decides: its claim ends, its wait ends, somebody is reminded, the next role is told. Nothing of
-- this decides anything, and whoever answers at the same moment wins: a case in somebody's hand is left for the next call.

-- What is due now, one row per case and step; at most one level of a case's chain at a time.
CREATE OR REPLACE VIEW review.case_due AS
SELECT c.case_id, c.process, 'claim_expired' AS step, c.claimed_by AS person_id, NULL::integer AS level, NULL::text AS role
FROM review.case c WHERE c.claimed_by IS NOT NULL AND c.state IN ('open', 'half_decided') AND review.is_idle(c)
UNION ALL
SELECT c.case_id, c.process, 'wait_ended', NULL, NULL, NULL
FROM review.case c WHERE c.waiting_since <= (SELECT review.clock() - review.setting('information_wait_hours', 168) * interval '1 hour')
UNION ALL
SELECT c.case_id, c.process, CASE e.step WHEN 'remind' THEN 'reminded' ELSE 'escalated' END, NULL, e.level, coalesce(e.to_role, c.role)
FROM review.case c CROSS JOIN LATERAL (SELECT x.* FROM review.chain(c.process, c.role) x WHERE x.level > c.escalation_level ORDER BY x.level LIMIT 1) e
WHERE c.next_level_at <= (SELECT review.clock()) AND c.waiting_since IS NULL;

-- Do what is due with the cases of a process. Run again at once it finds nothing more but the next level of a chain.
CREATE OR REPLACE FUNCTION review.keep_cases(run_in bigint, process_in text, OUT expired bigint, OUT resumed bigint, OUT reminded bigint, OUT escalated bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE held bigint[]; steps review.case_step[];
BEGIN
  SELECT array_agg(l.case_id) INTO held FROM (
    SELECT c.case_id FROM review.case c WHERE c.case_id IN (SELECT d.case_id FROM review.case_due d WHERE d.process = process_in ORDER BY d.case_id LIMIT 5000)
    ORDER BY c.case_id FOR UPDATE SKIP LOCKED) AS l;
  -- looked at again, now that nobody else can change them
  SELECT array_agg(review.case_step(d.case_id, d.step, d.person_id, d.level, d.role, run_in)) INTO steps FROM review.case_due d WHERE d.case_id = ANY (held);
  UPDATE review.case c SET claimed_by = NULL, claimed_at = NULL FROM unnest(steps) AS s WHERE s.step = 'claim_expired' AND c.case_id = s.case_id;
  UPDATE review.case c SET waited = c.waited + (review.clock() - c.waiting_since), waiting_since = NULL, claimed_at = CASE WHEN c.claimed_by IS NOT NULL THEN review.clock() END
  FROM unnest(steps) AS s WHERE s.step = 'wait_ended' AND c.case_id = s.case_id;
  UPDATE review.case c SET escalation_level = s.level, escalated_role = CASE s.step WHEN 'escalated' THEN s.role ELSE c.escalated_role END
  FROM unnest(steps) AS s WHERE s.level IS NOT NULL AND c.case_id = s.case_id;
  PERFORM review.enter_steps(steps) WHERE steps IS NOT NULL;
  SELECT count(*) FILTER (WHERE s.step = 'claim_expired'), count(*) FILTER (WHERE s.step = 'wait_ended'), count(*) FILTER (WHERE s.step = 'reminded'), count(*) FILTER (WHERE s.step = 'escalated')
  INTO expired, resumed, reminded, escalated FROM unnest(coalesce(steps, '{}')) AS s;
END $$;

-- What the policy case_priority looks at: cases whose facts or day are others than when they were last looked at, or that another version
-- of it looked at. Amounts in another currency than the policy's are not known to it, and neither is a discount whose day has passed.
DROP FUNCTION IF EXISTS review.priority_input(text, text);
CREATE OR REPLACE FUNCTION review.priority_input(process_in text, currency_in text)
RETURNS TABLE (case_id bigint, days_until_due integer, days_until_discount integer, days_open integer, blocks_posting boolean, escalated boolean, amount numeric)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.case_id, c.due_date - e.today, CASE WHEN c.discount_date >= e.today THEN c.discount_date - e.today END,
         greatest(floor(extract(epoch FROM s.on_clock) / 86400), 0)::integer,
         c.subject_kind <> 'invoice' OR EXISTS (SELECT FROM review.case_item x JOIN ledger.hold h ON h.hold_id = x.hold_id WHERE x.case_id = c.case_id AND x.settled_at IS NULL AND h.effect = 'B'),
         c.escalated_role IS NOT NULL, CASE WHEN c.currency = currency_in THEN abs(c.amount) END
  FROM review.case c JOIN review.case_status s ON s.case_id = c.case_id
  JOIN (SELECT x.entity, ops.business_date(x.entity) AS today FROM ops.entity x) e ON e.entity = c.entity
  WHERE c.process = process_in AND c.state IN ('open', 'half_decided')
    AND (c.prioritised_on, c.prioritised_by) IS DISTINCT FROM (e.today, (SELECT p.version FROM ledger.active_policy p WHERE p.policy_id = 'case_priority'))
  ORDER BY c.case_id LIMIT 20000
$$;

-- Note by which rule of the policy these cases are ranked. Its version must be the active one, and each rule one of its own: priority
-- and sentence are what the policy says of that rule. A priority that is another than before is a step on record. A case in
-- somebody's hand at this moment is looked at by the next call.
DROP FUNCTION IF EXISTS review.record_priorities(bigint, text, bigint[], integer[], text[], text[]);
CREATE OR REPLACE FUNCTION review.record_priorities(run_in bigint, policy_sha256_in text, case_ids bigint[], rules text[]) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE active ledger.policy_version; said jsonb; changed review.case_step[]; held bigint[];
BEGIN
  SELECT * INTO active FROM ledger.active_policy p WHERE p.policy_id = 'case_priority';
  IF active.sha256 IS DISTINCT FROM policy_sha256_in THEN
    PERFORM review.refuse('BO409', 'this text of case_priority is not the active one');
  END IF;
  SELECT jsonb_object_agg(r.rule, jsonb_build_object('priority', r.priority, 'why', r.why)) INTO said FROM review.priority_rules(active.content) r;
  IF EXISTS (SELECT FROM unnest(rules) AS g(rule) WHERE (said ? g.rule) IS NOT TRUE) THEN
    PERFORM review.refuse('BO422', 'the policy case_priority has no such rule');
  END IF;
  SELECT array_agg(l.case_id) INTO held FROM (
    SELECT c.case_id FROM review.case c WHERE c.case_id = ANY (case_ids) AND c.state IN ('open', 'half_decided') ORDER BY c.case_id FOR UPDATE SKIP LOCKED) AS l;
  SELECT array_agg(review.case_step(c.case_id, 'prioritised', NULL, NULL, NULL, run_in, g.priority, 'case_priority ' || active.version || '/' || g.rule)) INTO changed
  FROM (SELECT u.case_id, u.rule, (said -> u.rule ->> 'priority')::integer AS priority FROM unnest(case_ids, rules) AS u(case_id, rule)) g
  JOIN review.case c ON c.case_id = g.case_id WHERE c.case_id = ANY (held) AND c.priority <> g.priority;
  UPDATE review.case c SET priority = (said -> g.rule ->> 'priority')::integer, priority_reason = said -> g.rule ->> 'why',
    prioritised_on = ops.business_date(c.entity), prioritised_by = active.version
  FROM unnest(case_ids, rules) AS g(case_id, rule) WHERE c.case_id = g.case_id AND c.case_id = ANY (held);
  RETURN CASE WHEN changed IS NULL THEN 0 ELSE review.enter_steps(changed) END;
END $$;
