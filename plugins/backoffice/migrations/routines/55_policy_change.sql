-- A policy is changed by two people, through backoffice_web alone: one proposes a text, another approves it, both with authority as
-- policy owner. Each act and its audit record are one transaction. Nothing here decides a case.

-- The active person behind a log-in.
CREATE OR REPLACE FUNCTION review.acting_person(system_in text, user_in text) RETURNS review.person
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE person review.person;
BEGIN
  SELECT p.* INTO person FROM review.identity d JOIN review.person p ON p.person_id = d.person_id AND p.active WHERE d.system = system_in AND d.user_id = user_in;
  IF person.person_id IS NULL THEN
    PERFORM review.refuse('BO401', format('the log-in %s is mapped to no active person; ask for it in review.identity', user_in));
  END IF;
  RETURN person;
END $$;

CREATE OR REPLACE FUNCTION review.refuse_field(field_in text, message_in text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION '%', message_in USING ERRCODE = 'BO422', COLUMN = field_in;
END $$;

-- Why may this person not act on a policy as its owner today? NULL when they may. A policy counts for every company, so only
-- authority for all of them does. Without a limit given, any will do.
CREATE OR REPLACE FUNCTION review.not_policy_owner(person_in text, policy_in text, limit_in numeric, currency_in text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN NOT mine.in_role THEN format('has no authority as policy owner for %s in every company', replace(k.process, '_', ' '))
              WHEN limit_in IS NOT NULL AND NOT mine.within THEN format('has authority as policy owner up to %s; this policy lets the machine decide up to %s %s', mine.limits, trim_scale(limit_in), currency_in)
         END
  FROM ledger.policy k CROSS JOIN LATERAL (
    SELECT count(*) > 0 AS in_role, coalesce(bool_or(u.currency = currency_in AND u.amount_limit >= limit_in), false) AS within,
           string_agg(trim_scale(u.amount_limit) || ' ' || u.currency, ', ' ORDER BY u.currency, u.amount_limit) AS limits
    FROM review.authority u WHERE u.person_id = person_in AND u.role = 'policy_owner' AND u.process IN ('*', k.process) AND u.entity = '*'
      AND ledger.policy_day() BETWEEN u.effective_from AND coalesce(u.effective_to, 'infinity')) mine
  WHERE k.policy_id = policy_in
$$;

-- Why may this person not take this act on this proposal now? NULL when they may. The act functions refuse by it and the pages show it.
CREATE OR REPLACE FUNCTION review.why_no_policy_act(proposal_in bigint, person_in text, act_in text, OUT sqlstate_out text, OUT message text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE p review.policy_proposal; latest integer; lacking text; ends date;
BEGIN
  SELECT x.* INTO p FROM review.policy_proposal x WHERE x.proposal_id = proposal_in;
  ends := ledger.policy_says_day(p.content, 'effective_to');
  SELECT v.version INTO latest FROM ledger.policy_version v WHERE v.policy_id = p.policy_id ORDER BY v.approved_at DESC LIMIT 1;
  lacking := review.not_policy_owner(person_in, p.policy_id, CASE act_in WHEN 'approve' THEN p.machine_limit END, p.currency);
  IF p.state <> 'proposed' THEN
    sqlstate_out := 'BO409'; message := format('proposal %s is %s; there is nothing to decide', proposal_in, p.state);
  ELSIF act_in = 'approve' AND latest <> p.replaces_version THEN
    sqlstate_out := 'BO409'; message := format('version %s of policy %s was approved since this was proposed on top of version %s; propose it anew', latest, p.policy_id, p.replaces_version);
  ELSIF act_in = 'approve' AND ends < ledger.policy_day() THEN
    sqlstate_out := 'BO409'; message := format('the text says that it counts until %s, and that day has passed; propose one that counts longer', ends);
  ELSIF act_in = 'withdraw' AND p.proposed_by <> person_in THEN
    sqlstate_out := 'BO403'; message := 'only who proposed a change withdraws it; others refuse it';
  ELSIF act_in <> 'withdraw' AND p.proposed_by = person_in THEN
    sqlstate_out := 'BO403'; message := format('who proposed a change does not %s it; another person does', act_in);
  ELSIF act_in <> 'withdraw' AND lacking IS NOT NULL THEN
    sqlstate_out := 'BO403'; message := format('%s %s', (SELECT n.name FROM review.person n WHERE n.person_id = person_in), lacking);
  END IF;
END $$;

-- Note an act on a proposal, with its audit record: log-in and reason in plain text here, encrypted there (sealed_in).
DROP FUNCTION IF EXISTS review.note_policy_act(review.policy_proposal, text, text, text, text, text, text, date);
CREATE OR REPLACE FUNCTION review.note_policy_act(p review.policy_proposal, act_in text, step_in text, person_in text, principal_in text, reason_in text, key_in text, effective_in date,
                                                  sealed_in text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE moment timestamptz := clock_timestamp(); noted bigint;
BEGIN
  INSERT INTO review.policy_act AS a (proposal_id, act, idempotency_key, person_id, principal, reason, acted_at)
  VALUES (p.proposal_id, act_in, key_in, person_in, principal_in, reason_in, moment) ON CONFLICT (idempotency_key) DO NOTHING RETURNING a.act_id INTO noted;
  IF noted IS NULL THEN -- the same key for another policy, at the same moment
    PERFORM review.refuse('BO409', 'this idempotency key was used for another act');
  END IF;
  PERFORM vault.append_act('policy', person_in, 'policy:' || p.policy_id, principal_in, reason_in, sealed_in,
    'step', audit.text(step_in), 'proposal_id', audit.text(p.proposal_id::text), 'policy_id', audit.text(p.policy_id), 'version', audit.text(p.version::text),
    'sha256', audit.text(p.sha256), 'machine_limit', audit.number(p.machine_limit), 'currency', audit.text(p.currency), 'effective_from', audit.text(effective_in::text),
    'replaces_version', audit.text(p.replaces_version::text), 'impact_sha256', audit.text(p.impact_sha256), 'proposed_by', audit.text(p.proposed_by),
    'role', audit.text('policy_owner'), 'acted_at', audit.text(ops.utc(moment)),
    'approved_at', audit.text(ops.utc((SELECT v.approved_at FROM ledger.policy_version v WHERE v.proposal_id = p.proposal_id))));
END $$;

-- What a program is told of a proposal after an act.
CREATE OR REPLACE FUNCTION review.policy_proposal_told(proposal_in bigint) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_build_object('proposal_id', p.proposal_id, 'policy_id', p.policy_id, 'version', p.version, 'sha256', p.sha256,
    'state', coalesce(s.state, p.state), 'effective_from', coalesce(v.effective_from, p.effective_from), 'impact_sha256', p.impact_sha256)
  FROM review.policy_proposal p LEFT JOIN ledger.policy_version v ON v.proposal_id = p.proposal_id
  LEFT JOIN ledger.policy_state s ON s.policy_id = v.policy_id AND s.version = v.version
  WHERE p.proposal_id = proposal_in
$$;

-- The act that a key stands for already, if it is this one; refused if the key was used for another.
CREATE OR REPLACE FUNCTION review.earlier_policy_act(key_in text, act_in text, person_in text, reason_in text, OUT proposal_id bigint)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE earlier review.policy_act;
BEGIN
  IF coalesce(trim(key_in), '') = '' OR coalesce(trim(reason_in), '') = '' THEN
    PERFORM review.refuse_field('reason', 'a reason and an idempotency key are needed');
  END IF;
  SELECT a.* INTO earlier FROM review.policy_act a WHERE a.idempotency_key = key_in;
  IF earlier.act_id IS NOT NULL AND (earlier.act, earlier.person_id, earlier.reason) IS DISTINCT FROM (act_in, person_in, reason_in) THEN
    PERFORM review.refuse('BO409', 'this idempotency key was used for another act');
  END IF;
  proposal_id := earlier.proposal_id;
END $$;

-- The business day from which a proposed text is to decide: today, what the text itself says, or what is asked for.
CREATE OR REPLACE FUNCTION review.proposed_start(content_in text, effective_in date) RETURNS date
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE today date := ledger.policy_day();
BEGIN
  IF effective_in < today OR effective_in > today + 3660 THEN
    PERFORM review.refuse_field('effective_from', format('a change comes into force on %s or later, within ten years, not on %s', today, effective_in));
  END IF;
  RETURN coalesce(ledger.policy_start(content_in, effective_in), today);
END $$;

-- Is this the impact of this text, and of as many recorded decisions as it says? What each would become only the pages can tell.
CREATE OR REPLACE FUNCTION review.check_impact(content_in text, impact_in jsonb) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE said record := ledger.read_policy(content_in); recorded bigint;
BEGIN
  IF (impact_in ->> 'policy_id', impact_in ->> 'version', impact_in ->> 'sha256', impact_in ->> 'machine_limit', impact_in ->> 'effective_from', impact_in ->> 'effective_to')
     IS DISTINCT FROM (said.policy_id, said.version::text, said.sha256, trim_scale(said.machine_limit) || ' ' || said.currency, said.effective_from::text, said.effective_to::text) THEN
    PERFORM review.refuse_field('content', format('the lines of the text say %s version %s up to %s %s, from %s to %s; read as a whole it says %s version %s up to %s, from %s to %s',
      said.policy_id, said.version, trim_scale(said.machine_limit), said.currency, coalesce(said.effective_from::text, 'any day'), coalesce(said.effective_to::text, 'any day'),
      impact_in ->> 'policy_id', impact_in ->> 'version', impact_in ->> 'machine_limit', coalesce(impact_in ->> 'effective_from', 'any day'), coalesce(impact_in ->> 'effective_to', 'any day')));
  END IF;
  SELECT count(*) INTO recorded FROM (SELECT FROM ledger.decision d WHERE d.policy_id = said.policy_id AND d.maker = 'machine'
    AND d.decision_id <= coalesce((impact_in ->> 'last_decision')::bigint, 0) ORDER BY d.decision_id DESC LIMIT (impact_in ->> 'at_most')::bigint) AS latest;
  IF recorded IS DISTINCT FROM (impact_in ->> 'decisions')::bigint THEN
    PERFORM review.refuse('BO409', format('the impact speaks of %s decisions, %s are recorded; propose it again', impact_in ->> 'decisions', recorded));
  END IF;
END $$;

-- What the rules of case_priority say, read from the lines of its text: rule, priority, sentence; its default is the rule "default". A text
-- that is not written in exactly these lines is refused, so that nothing is taken for a rule that the policy does not say.
CREATE OR REPLACE FUNCTION review.priority_rules(content_in text) RETURNS TABLE (rule text, priority integer, why text)
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE place text; found record; said text[]; rules jsonb := '{}'; name text;
BEGIN
  FOR found IN SELECT l.line, l.n FROM string_to_table(content_in, E'\n') WITH ORDINALITY AS l(line, n) LOOP
    IF found.line ~ '^\s*(#.*)?$' THEN
      CONTINUE;
    ELSIF found.line ~ '^\S' THEN
      place := substring(found.line from '^(rules|default):\s*$'); name := nullif(place, 'rules');
      rules := rules || CASE place WHEN 'default' THEN '{"default": {}}' ELSE '{}' END::jsonb;
      CONTINUE;
    ELSIF place IS NULL THEN
      CONTINUE;
    END IF;
    said := regexp_match(found.line, '^  - id: ([A-Za-z][A-Za-z0-9_]*)\s*$');
    IF said IS NOT NULL AND place = 'rules' AND NOT rules ? said[1] THEN
      name := said[1]; rules := rules || jsonb_build_object(name, '{}'::jsonb);
      CONTINUE;
    ELSIF place = 'rules' AND name IS NOT NULL AND found.line ~ '^    when: \{[^{}]*\}\s*$' THEN
      CONTINUE;
    END IF;
    said := regexp_match(found.line, CASE place WHEN 'rules' THEN '^    ' ELSE '^  ' END || '(then|why): (?:"([^"\\]*)"|([A-Za-z0-9](?:[^#:\s]|:(?=\S)|[ \t]+(?=[^#\s]))*))\s*$');
    IF said IS NULL OR name IS NULL OR rules -> name ? said[1] THEN
      PERFORM review.refuse_field('content', format('line %s: the rules of case_priority are read line by line; write "  - id: NAME", "    when: {...}", "    then: PRIORITY" and "    why: SENTENCE" on one line each', found.n));
    END IF;
    rules := jsonb_set(rules, ARRAY[name, said[1]], to_jsonb(rtrim(coalesce(said[2], said[3]), E' \t')));
  END LOOP;
  IF NOT rules ? 'default' OR rules - 'default' = '{}' OR EXISTS (SELECT FROM jsonb_each(rules) r WHERE array_position(ARRAY['urgent', 'high', 'normal', 'low'], r.value ->> 'then') IS NULL OR coalesce(r.value ->> 'why', '') = '') THEN
    PERFORM review.refuse_field('content', 'each rule of case_priority, and its default, says one of urgent, high, normal and low, and why');
  END IF;
  RETURN QUERY SELECT r.key, array_position(ARRAY['urgent', 'high', 'normal', 'low'], r.value ->> 'then'), r.value ->> 'why' FROM jsonb_each(rules) r;
END $$;

-- Refuse a text that this person cannot propose now from this day on. Proposing refuses by it, and whoever only asks is told by it.
CREATE OR REPLACE FUNCTION review.check_policy_text(person review.person, content_in text, effective_in date, impact_in text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE said record := ledger.read_policy(content_in); lacking text; p review.policy_proposal;
BEGIN
  IF NOT EXISTS (SELECT FROM ledger.policy k WHERE k.policy_id = said.policy_id) THEN
    PERFORM review.refuse('BO404', format('there is no policy %s; a policy comes with the process that decides by it', said.policy_id));
  END IF;
  lacking := review.not_policy_owner(person.person_id, said.policy_id, said.machine_limit, said.currency);
  IF lacking IS NOT NULL THEN
    PERFORM review.refuse('BO403', format('%s %s', person.name, lacking));
  END IF;
  PERFORM ledger.check_next_version(said.policy_id, said.version, said.sha256);
  SELECT x.* INTO p FROM review.policy_proposal x WHERE x.policy_id = said.policy_id AND x.version = said.version ORDER BY x.state = 'proposed' DESC, x.proposal_id DESC LIMIT 1;
  IF p.sha256 <> said.sha256 THEN
    PERFORM review.refuse('BO409', format('version %s of policy %s was proposed with another text (proposal %s); give this one the next number', said.version, said.policy_id, p.proposal_id));
  ELSIF p.state = 'proposed' THEN
    PERFORM review.refuse('BO409', format('this text waits as proposal %s already', p.proposal_id));
  END IF;
  IF said.policy_id = 'case_priority' THEN
    PERFORM review.priority_rules(content_in);
  END IF;
  PERFORM review.check_impact(content_in, impact_in::jsonb);
  PERFORM review.proposed_start(content_in, effective_in);
END $$;

-- What a text would be as a proposal: nothing is stored, and what would be refused is refused.
CREATE OR REPLACE FUNCTION review.try_policy(system_in text, user_in text, content_in text, effective_in date, impact_in text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE said record := ledger.read_policy(content_in); told jsonb;
BEGIN
  PERFORM review.check_policy_text(review.acting_person(system_in, user_in), content_in, effective_in, impact_in);
  SELECT jsonb_build_object('policy_id', said.policy_id, 'process', k.process, 'version', said.version, 'sha256', said.sha256, 'machine_limit', said.machine_limit::text, 'currency', said.currency,
    'effective_from', review.proposed_start(content_in, effective_in), 'replaces_version', v.version) INTO told
  FROM ledger.policy k JOIN ledger.policy_version v USING (policy_id) WHERE k.policy_id = said.policy_id ORDER BY v.approved_at DESC LIMIT 1;
  RETURN told;
END $$;

-- Propose a text as the next version of a policy. Executable by backoffice_web alone, which has proved the text and tried it on
-- recorded decisions, and encrypted log-in and reason under the person's key. The same idempotency key with the same content returns
-- the first proposal.
DROP FUNCTION IF EXISTS review.propose_policy(text, text, text, text, date, text, text);
CREATE OR REPLACE FUNCTION review.propose_policy(system_in text, user_in text, content_in text, reason_in text, effective_in date, impact_in text, key_in text, sealed_in text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE person review.person := review.acting_person(system_in, user_in); said record := ledger.read_policy(content_in); earlier bigint; latest integer; p review.policy_proposal;
BEGIN
  IF NOT EXISTS (SELECT FROM ledger.policy k WHERE k.policy_id = said.policy_id) THEN
    PERFORM review.refuse('BO404', format('there is no policy %s; a policy comes with the process that decides by it', said.policy_id));
  END IF;
  PERFORM ledger.lock_policy(said.policy_id);
  earlier := review.earlier_policy_act(key_in, 'propose', person.person_id, reason_in);
  IF earlier IS NOT NULL THEN
    SELECT x.* INTO p FROM review.policy_proposal x WHERE x.proposal_id = earlier;
    IF p.content <> content_in OR p.effective_from <> effective_in THEN
      PERFORM review.refuse('BO409', 'this idempotency key was used for another act');
    END IF;
    RETURN review.policy_proposal_told(earlier);
  END IF;
  PERFORM review.check_policy_text(person, content_in, effective_in, impact_in);
  SELECT v.version INTO STRICT latest FROM ledger.policy_version v WHERE v.policy_id = said.policy_id ORDER BY v.approved_at DESC LIMIT 1;
  INSERT INTO review.policy_proposal (policy_id, version, sha256, content, machine_limit, currency, effective_from, replaces_version, impact_text, impact_sha256, proposed_by, proposed_at)
  VALUES (said.policy_id, said.version, said.sha256, content_in, said.machine_limit, said.currency, review.proposed_start(content_in, effective_in), latest, impact_in,
          encode(sha256(convert_to(impact_in, 'UTF8')), 'hex'), person.person_id, clock_timestamp())
  RETURNING * INTO p;
  PERFORM review.note_policy_act(p, 'propose', 'proposed', person.person_id, system_in || ':' || user_in, reason_in, key_in, p.effective_from, sealed_in);
  RETURN review.policy_proposal_told(p.proposal_id);
END $$;

-- Approve, refuse or withdraw a proposal. The second person signs what they were shown: the text and its impact, by the impact's hash.
-- The version decides from its day on, or from now on where that has passed.
DROP FUNCTION IF EXISTS review.approve_policy(bigint, text, text, text, text, text);
DROP FUNCTION IF EXISTS review.refuse_policy(bigint, text, text, text, text);
DROP FUNCTION IF EXISTS review.withdraw_policy(bigint, text, text, text, text);
DROP FUNCTION IF EXISTS review.act_on_policy(bigint, text, text, text, text, text, text);
CREATE OR REPLACE FUNCTION review.act_on_policy(proposal_in bigint, act_in text, system_in text, user_in text, reason_in text, impact_sha256_in text, key_in text, sealed_in text) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE person review.person := review.acting_person(system_in, user_in); earlier bigint; p review.policy_proposal; why record; entered ledger.policy_version; step text;
BEGIN
  SELECT x.* INTO p FROM review.policy_proposal x WHERE x.proposal_id = proposal_in;
  IF p.proposal_id IS NULL THEN
    PERFORM review.refuse('BO404', format('there is no proposal %s', proposal_in));
  END IF;
  PERFORM ledger.lock_policy(p.policy_id);
  SELECT x.* INTO p FROM review.policy_proposal x WHERE x.proposal_id = proposal_in; -- as it is now that we have our turn
  earlier := review.earlier_policy_act(key_in, act_in, person.person_id, reason_in);
  IF earlier = proposal_in THEN
    RETURN review.policy_proposal_told(proposal_in);
  ELSIF earlier IS NOT NULL THEN
    PERFORM review.refuse('BO409', 'this idempotency key was used for another act');
  END IF;
  IF act_in = 'approve' AND p.impact_sha256 IS DISTINCT FROM impact_sha256_in THEN
    PERFORM review.refuse('BO409', format('this is not the impact of proposal %s; look at it again', proposal_in));
  END IF;
  why := review.why_no_policy_act(proposal_in, person.person_id, act_in);
  IF why.sqlstate_out IS NOT NULL THEN
    PERFORM review.refuse(why.sqlstate_out, why.message);
  END IF;
  step := CASE act_in WHEN 'approve' THEN 'approved' WHEN 'refuse' THEN 'refused' ELSE 'withdrawn' END;
  UPDATE review.policy_proposal x SET state = step WHERE x.proposal_id = proposal_in;
  IF act_in = 'approve' THEN
    entered := ledger.enter_policy(p.content, person.person_id, greatest(p.effective_from, ledger.policy_day()), proposal_in);
  END IF;
  PERFORM review.note_policy_act(p, act_in, step, person.person_id, system_in || ':' || user_in, reason_in, key_in, coalesce(entered.effective_from, p.effective_from), sealed_in);
  RETURN review.policy_proposal_told(proposal_in);
END $$;

CREATE OR REPLACE FUNCTION review.approve_policy(proposal_in bigint, system_in text, user_in text, reason_in text, impact_sha256_in text, key_in text, sealed_in text) RETURNS jsonb
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
RETURN review.act_on_policy(proposal_in, 'approve', system_in, user_in, reason_in, impact_sha256_in, key_in, sealed_in);
CREATE OR REPLACE FUNCTION review.refuse_policy(proposal_in bigint, system_in text, user_in text, reason_in text, key_in text, sealed_in text) RETURNS jsonb
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
RETURN review.act_on_policy(proposal_in, 'refuse', system_in, user_in, reason_in, NULL, key_in, sealed_in);
CREATE OR REPLACE FUNCTION review.withdraw_policy(proposal_in bigint, system_in text, user_in text, reason_in text, key_in text, sealed_in text) RETURNS jsonb
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
RETURN review.act_on_policy(proposal_in, 'withdraw', system_in, user_in, reason_in, NULL, key_in, sealed_in);
