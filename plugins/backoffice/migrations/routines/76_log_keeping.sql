-- Acts about the log itself, by two persons with authority as log keepers, through backoffice_web alone: a restore gave up the end of
-- the log, or its signing key is lost. The first proposes, the second confirms what the first proposed; each act and its record are one
-- transaction. Nothing here signs, and nothing here touches a record that is there. Log-in and reason of each stand in plain text in the
-- tables and encrypted in a record of kind human; the records that the log needs for as long as it lives name persons by pseudonym alone.

-- The person behind a log-in, who must be a log keeper of the whole installation today.
CREATE OR REPLACE FUNCTION review.log_keeper(system_in text, user_in text) RETURNS review.person
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE person review.person;
BEGIN
  SELECT p.* INTO person FROM review.identity d JOIN review.person p ON p.person_id = d.person_id AND p.active WHERE d.system = system_in AND d.user_id = user_in;
  IF person.person_id IS NULL THEN
    PERFORM review.refuse('BO401', format('the log-in %s is mapped to no active person; ask for it in review.identity', user_in));
  END IF;
  IF NOT EXISTS (SELECT FROM review.authority u WHERE u.person_id = person.person_id AND u.role = 'log_keeper' AND u.process IN ('*', 'audit_log') AND u.entity = '*'
      AND (now() AT TIME ZONE 'UTC')::date BETWEEN u.effective_from AND coalesce(u.effective_to, 'infinity')) THEN
    PERFORM review.refuse('BO403', format('%s has no authority as log keeper of the audit log', person.name));
  END IF;
  RETURN person;
END $$;

-- What a proposal says, as one text; its hash is what the second person confirms. The reason is left out: it can be erased.
CREATE OR REPLACE FUNCTION audit.proposal_text(p audit.log_proposal) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
RETURN audit.object('act', audit.text(p.act), 'abandoned_size', audit.text(p.abandoned_size::text), 'abandoned_root', audit.text(encode(p.abandoned_root, 'hex')),
  'continued_size', audit.text(p.continued_size::text), 'continued_root', audit.text(encode(p.continued_root, 'hex')), 'key', audit.text(p.key_line),
  'key_id', audit.text(p.key_id), 'requested_by', audit.text(p.person_id));

-- Why can this proposal not be confirmed any more? NULL while it can.
CREATE OR REPLACE FUNCTION audit.why_no_confirmation(p audit.log_proposal) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE
    WHEN EXISTS (SELECT FROM audit.log_confirmation c WHERE c.proposal_id = p.proposal_id) THEN 'it is confirmed'
    WHEN p.proposed_at < now() - interval '7 days' THEN 'it is older than seven days; propose it anew'
    WHEN p.act = 'restore' AND EXISTS (SELECT FROM audit.seal s WHERE s.size = p.abandoned_size AND s.root = p.abandoned_root) THEN 'the log holds that checkpoint; nothing was given up'
    WHEN p.act = 'restore' AND (p.continued_size, p.continued_root) IS DISTINCT FROM (coalesce((SELECT s.size FROM audit.latest_seal s), 0), (SELECT s.root FROM audit.latest_seal s))
      THEN 'the log was sealed since it was proposed; propose it anew'
    WHEN p.act = 'lost_key' AND EXISTS (SELECT FROM audit.sealing_key k WHERE k.line = p.key_line OR k.key_id = p.key_id) THEN 'the log knows that key'
  END
$$;

-- Keep a proposal with its record. The same idempotency key with the same content returns the first.
DROP FUNCTION IF EXISTS audit.keep_proposal(audit.log_proposal);
CREATE OR REPLACE FUNCTION audit.keep_proposal(p audit.log_proposal, sealed_in text) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE earlier audit.log_proposal; kept audit.log_proposal; hindrance text;
BEGIN
  SELECT * INTO earlier FROM audit.log_proposal x WHERE x.idempotency_key = p.idempotency_key;
  IF earlier.proposal_id IS NOT NULL THEN
    IF (earlier.act, earlier.note, earlier.key_line, earlier.reason, earlier.person_id) IS DISTINCT FROM (p.act, p.note, p.key_line, p.reason, p.person_id) THEN
      PERFORM review.refuse('BO409', 'this idempotency key was used for another proposal');
    END IF;
    RETURN jsonb_build_object('proposal_id', earlier.proposal_id, 'digest', encode(earlier.digest, 'hex'));
  END IF;
  IF coalesce(trim(p.reason), '') = '' THEN
    PERFORM review.refuse('BO422', 'a reason is needed');
  END IF;
  p.proposed_at := now();
  hindrance := audit.why_no_confirmation(p);
  IF hindrance IS NOT NULL THEN
    PERFORM review.refuse('BO409', hindrance);
  END IF;
  INSERT INTO audit.log_proposal (act, note, abandoned_size, abandoned_root, continued_size, continued_root, key_line, key_id, digest, reason, person_id, principal, idempotency_key)
  VALUES (p.act, p.note, p.abandoned_size, p.abandoned_root, p.continued_size, p.continued_root, p.key_line, p.key_id, sha256(convert_to(audit.proposal_text(p), 'UTF8')),
          p.reason, p.person_id, p.principal, p.idempotency_key)
  ON CONFLICT (idempotency_key) DO NOTHING RETURNING * INTO kept;
  IF kept.proposal_id IS NULL THEN -- the same key at the same moment
    PERFORM review.refuse('BO409', 'this idempotency key was used for another proposal');
  END IF;
  PERFORM vault.append_act('human', p.person_id, 'log', p.principal, p.reason, sealed_in,
    'step', audit.text(CASE WHEN p.act = 'restore' THEN 'restore proposed' ELSE 'lost key proposed' END), 'proposal_id', audit.text(kept.proposal_id::text),
    'digest', audit.text(encode(kept.digest, 'hex')), 'abandoned_size', audit.text(p.abandoned_size::text), 'abandoned_root', audit.text(encode(p.abandoned_root, 'hex')),
    'key_id', audit.text(p.key_id), 'role', audit.text('log_keeper'));
  RETURN jsonb_build_object('proposal_id', kept.proposal_id, 'digest', encode(kept.digest, 'hex'));
END $$;

-- The database was restored and the log no longer holds the checkpoint that was signed last: one log keeper says so.
-- Whether the checkpoint was really signed, the caller has seen; the sealer compares it with its own memory.
DROP FUNCTION IF EXISTS audit.propose_restore(text, text, text, bigint, bytea, text, text);
CREATE OR REPLACE FUNCTION audit.propose_restore(system_in text, user_in text, note_in text, size_in bigint, root_in bytea, reason_in text, key_in text, sealed_in text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE person review.person := review.log_keeper(system_in, user_in); p audit.log_proposal; said text[] := string_to_array(note_in, E'\n');
BEGIN
  IF said[2] IS DISTINCT FROM size_in::text OR said[3] IS DISTINCT FROM encode(root_in, 'base64') THEN
    PERFORM review.refuse('BO422', 'size and root are not those of the checkpoint');
  END IF;
  IF NOT EXISTS (SELECT FROM audit.sealing_key) THEN
    PERFORM review.refuse('BO409', 'this log has no key; first introduce that of the checkpoint, as one for a lost key');
  END IF;
  IF said[1] IS DISTINCT FROM (SELECT split_part(k.line, '+', 1) FROM audit.sealing_key k ORDER BY k.record_id LIMIT 1) THEN
    PERFORM review.refuse('BO422', format('the checkpoint is of the log %s, not of this one', said[1]));
  END IF;
  p.act := 'restore'; p.note := note_in; p.abandoned_size := size_in; p.abandoned_root := root_in;
  SELECT s.size, s.root INTO p.continued_size, p.continued_root FROM audit.latest_seal s;
  p.continued_size := coalesce(p.continued_size, 0);
  p.reason := reason_in; p.person_id := person.person_id; p.principal := system_in || ':' || user_in; p.idempotency_key := key_in;
  RETURN audit.keep_proposal(p, sealed_in);
END $$;

-- The signing key is lost, so that it cannot vouch for its successor: one log keeper names the new one by its public line.
DROP FUNCTION IF EXISTS audit.propose_lost_key(text, text, text, text, text, text);
CREATE OR REPLACE FUNCTION audit.propose_lost_key(system_in text, user_in text, line_in text, key_id_in text, reason_in text, key_in text, sealed_in text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE person review.person := review.log_keeper(system_in, user_in); p audit.log_proposal; parts text[] := string_to_array(line_in, '+'); origin text; named text;
BEGIN
  -- name+id+key: of the right length, and the id is the beginning of the hash of what it names
  IF parts[2] IS DISTINCT FROM key_id_in OR line_in !~ '^[^+[:space:]]+[+][0-9a-f]{8}[+][A-Za-z0-9+/]{44}$' THEN
    PERFORM review.refuse('BO422', 'not a public key of the form name+id+key');
  END IF;
  named := substr(line_in, length(parts[1]) + length(parts[2]) + 3);
  IF left(encode(sha256(convert_to(parts[1] || E'\n', 'UTF8') || decode(named, 'base64')), 'hex'), 8) <> key_id_in OR get_byte(decode(named, 'base64'), 0) <> 1 THEN
    PERFORM review.refuse('BO422', 'the id is not that of the key, or the key is of another kind');
  END IF;
  SELECT split_part(k.line, '+', 1) INTO origin FROM audit.sealing_key k ORDER BY k.record_id LIMIT 1;
  IF parts[1] <> origin THEN
    PERFORM review.refuse('BO422', format('the key is for the log %s, this one is %s', parts[1], origin));
  END IF;
  p.act := 'lost_key'; p.key_line := line_in; p.key_id := key_id_in;
  p.reason := reason_in; p.person_id := person.person_id; p.principal := system_in || ':' || user_in; p.idempotency_key := key_in;
  RETURN audit.keep_proposal(p, sealed_in);
END $$;

-- Another log keeper confirms what was proposed, and it counts from then on.
DROP FUNCTION IF EXISTS audit.confirm_proposal(bigint, bytea, text, text, text, text);
CREATE OR REPLACE FUNCTION audit.confirm_proposal(proposal_in bigint, digest_in bytea, system_in text, user_in text, reason_in text, key_in text, sealed_in text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE person review.person := review.log_keeper(system_in, user_in); p audit.log_proposal; earlier audit.log_confirmation; hindrance text; recorded bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('backoffice:seal', 0));
  SELECT * INTO earlier FROM audit.log_confirmation c WHERE c.idempotency_key = key_in;
  IF earlier.proposal_id IS NOT NULL THEN
    IF (earlier.proposal_id, earlier.person_id, earlier.reason) IS DISTINCT FROM (proposal_in, person.person_id, reason_in) THEN
      PERFORM review.refuse('BO409', 'this idempotency key was used for another confirmation');
    END IF;
    RETURN jsonb_build_object('proposal_id', earlier.proposal_id, 'record_id', earlier.record_id);
  END IF;
  SELECT * INTO p FROM audit.log_proposal x WHERE x.proposal_id = proposal_in;
  IF p.proposal_id IS NULL THEN
    PERFORM review.refuse('BO404', format('there is no proposal %s', proposal_in));
  END IF;
  IF p.digest IS DISTINCT FROM digest_in THEN
    PERFORM review.refuse('BO409', format('proposal %s is not the one that was shown; look at it again', proposal_in));
  END IF;
  hindrance := audit.why_no_confirmation(p);
  IF hindrance IS NOT NULL THEN
    PERFORM review.refuse('BO409', format('proposal %s cannot be confirmed: %s', proposal_in, hindrance));
  END IF;
  IF p.person_id = person.person_id THEN
    PERFORM review.refuse('BO403', format('%s proposed it; another person confirms', person.name));
  END IF;
  IF coalesce(trim(reason_in), '') = '' THEN
    PERFORM review.refuse('BO422', 'a reason is needed');
  END IF;
  PERFORM vault.append_act('human', person.person_id, 'log', system_in || ':' || user_in, reason_in, sealed_in,
    'step', audit.text(CASE p.act WHEN 'restore' THEN 'restore confirmed' ELSE 'lost key confirmed' END), 'proposal_id', audit.text(p.proposal_id::text),
    'digest', audit.text(encode(p.digest, 'hex')), 'role', audit.text('log_keeper'));
  PERFORM audit.append(CASE p.act WHEN 'restore' THEN 'restore' ELSE 'key' END, 'log', CASE p.act WHEN 'restore' THEN audit.object(
    'step', audit.text('restore confirmed'), 'abandoned_size', audit.text(p.abandoned_size::text), 'abandoned_root', audit.text(encode(p.abandoned_root, 'hex')),
    'continued_size', audit.text(p.continued_size::text), 'continued_root', audit.text(encode(p.continued_root, 'hex')),
    'requested_by', audit.text(p.person_id), 'requested_at', audit.text(ops.utc(p.proposed_at)), 'confirmed_by', audit.text(person.person_id),
    'proposal_id', audit.text(p.proposal_id::text), 'digest', audit.text(encode(p.digest, 'hex')), 'at', audit.text(ops.utc(now())))
  ELSE audit.object(
    'step', audit.text('key introduced'), 'lost', audit.text('true'), 'key', audit.text(p.key_line), 'key_id', audit.text(p.key_id), 'before', audit.text((SELECT s.key_id FROM audit.latest_seal s)),
    'requested_by', audit.text(p.person_id), 'requested_at', audit.text(ops.utc(p.proposed_at)), 'confirmed_by', audit.text(person.person_id),
    'proposal_id', audit.text(p.proposal_id::text), 'digest', audit.text(encode(p.digest, 'hex')), 'at', audit.text(ops.utc(now()))) END);
  SELECT r.record_id INTO recorded FROM audit.record r WHERE r.subject = 'log' ORDER BY r.n DESC LIMIT 1;
  INSERT INTO audit.log_confirmation (proposal_id, reason, person_id, principal, idempotency_key, record_id)
  VALUES (p.proposal_id, reason_in, person.person_id, system_in || ':' || user_in, key_in, recorded);
  IF p.act = 'restore' THEN
    PERFORM ops.leave_given_up_ids();
  ELSE
    INSERT INTO audit.sealing_key (key_id, line, record_id) VALUES (p.key_id, p.key_line, recorded);
  END IF;
  PERFORM pg_notify('backoffice_seal', 'two log keepers agreed');
  RETURN jsonb_build_object('proposal_id', p.proposal_id, 'record_id', recorded);
END $$;

-- Numbers that were given after the back-up stand in mails, notes, Airflow's own database and evidence packs. None of them is given a
-- second time: every numbering goes on at its next thousand million.
CREATE OR REPLACE FUNCTION ops.leave_given_up_ids() RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  SELECT setval(c.oid, (coalesce(pg_sequence_last_value(c.oid), 0) / 1000000000 + 1) * 1000000000)
  FROM pg_class c WHERE c.relkind = 'S' AND c.relowner = current_user::regrole
$$;
