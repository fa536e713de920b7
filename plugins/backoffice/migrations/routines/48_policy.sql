-- Policies. A version decides from its business day on, until a version that was approved later reaches its own; one whose text names a
-- last day decides on that day for the last time. Behind it no version decides, not even an earlier one, until another is approved.

-- The day by which policies come into force: that of the runs, the furthest of all companies'.
CREATE OR REPLACE FUNCTION ledger.policy_day() RETURNS date
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
RETURN coalesce((SELECT max(ops.business_date(e.entity)) FROM ops.entity e), (SELECT c.business_date FROM ops.simulated_clock c), (now() AT TIME ZONE 'UTC')::date);

-- The same of another moment. Under a simulated clock it is that of the latest run begun by then.
CREATE OR REPLACE FUNCTION ledger.policy_day_at(moment timestamptz) RETURNS date
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
RETURN CASE
  WHEN NOT EXISTS (SELECT FROM ops.simulated_clock)
    THEN coalesce((SELECT max((moment AT TIME ZONE e.time_zone)::date) FROM ops.entity e), (moment AT TIME ZONE 'UTC')::date)
  WHEN moment >= now() THEN ledger.policy_day() + ((moment AT TIME ZONE 'UTC')::date - (now() AT TIME ZONE 'UTC')::date)
  ELSE coalesce((SELECT r.business_date FROM ops.run r WHERE r.started_at <= moment ORDER BY r.run_id DESC LIMIT 1), ledger.policy_day())
END;

-- The version of each policy that decides now: what every act function checks.
CREATE OR REPLACE VIEW ledger.active_policy AS
SELECT v.* FROM ledger.policy_version v
WHERE coalesce(v.effective_from, '-infinity') <= (SELECT ledger.policy_day()) AND NOT EXISTS (
  SELECT FROM ledger.policy_version later WHERE later.policy_id = v.policy_id AND later.approved_at > v.approved_at
    AND coalesce(later.effective_from, '-infinity') <= (SELECT ledger.policy_day()))
  AND coalesce(v.effective_to, 'infinity') >= (SELECT ledger.policy_day());

-- What became of each version. One that a later approval overtakes before its day comes never decides.
CREATE OR REPLACE VIEW ledger.policy_state AS
SELECT v.policy_id, v.version, CASE
  WHEN EXISTS (SELECT FROM ledger.policy_version later WHERE later.policy_id = v.policy_id AND later.approved_at > v.approved_at
    AND coalesce(later.effective_from, '-infinity') <= greatest(coalesce(v.effective_from, '-infinity'), (SELECT ledger.policy_day()))) THEN 'superseded'
  WHEN v.effective_to < (SELECT ledger.policy_day()) THEN 'ended'
  WHEN coalesce(v.effective_from, '-infinity') <= (SELECT ledger.policy_day()) THEN 'active'
  ELSE 'approved' END AS state
FROM ledger.policy_version v;

-- The version that decided at a moment; no row when there was none.
CREATE OR REPLACE FUNCTION ledger.policy_in_force(policy_in text, moment timestamptz) RETURNS SETOF ledger.policy_version
LANGUAGE sql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
  SELECT latest.* FROM (
    SELECT v.* FROM ledger.policy_version v
    WHERE v.policy_id = policy_in AND v.approved_at <= moment AND coalesce(v.effective_from, '-infinity') <= (SELECT ledger.policy_day_at(moment))
    ORDER BY v.approved_at DESC LIMIT 1) AS latest
  WHERE coalesce(latest.effective_to, 'infinity') >= (SELECT ledger.policy_day_at(moment))
$$;

-- What a policy's text says on the line of a key; refused where it does not say it exactly once, unquoted and in this form.
CREATE OR REPLACE FUNCTION ledger.policy_says(content_in text, key_in text, form_in text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE found text[];
BEGIN
  SELECT array_agg(CASE m[1] WHEN key_in THEN m[2] ELSE m[1] || ': ' || m[2] END) INTO found
  FROM regexp_matches(content_in, '^(["'']?' || key_in || '["'']?[ \t]*):[ \t]*(.*?)[ \t\r]*$', 'gn') AS m;
  IF cardinality(found) = 1 AND found[1] ~ ('^(' || form_in || ')$') THEN RETURN found[1]; END IF;
  RAISE EXCEPTION 'the policy says "%" as %; exactly one plain line "%: ..." is needed, at the beginning of a line, unquoted and without a comment behind it',
    key_in, coalesce(array_to_string(found, ' and '), 'nothing'), key_in
    USING ERRCODE = 'BO422', COLUMN = 'content';
END $$;

-- The day that a policy's text names on the line of a key; NULL where no line is of that key, in whatever quotes.
CREATE OR REPLACE FUNCTION ledger.policy_says_day(content_in text, key_in text) RETURNS date
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE said text;
BEGIN
  IF content_in !~ ('(?n)^["'']?' || key_in || '["'']?[ \t]*:') THEN RETURN NULL; END IF;
  said := ledger.policy_says(content_in, key_in, '[0-9]{4}-[0-9]{2}-[0-9]{2}');
  RETURN make_date(left(said, 4)::integer, substr(said, 6, 2)::integer, right(said, 2)::integer);
EXCEPTION WHEN datetime_field_overflow THEN
  RAISE EXCEPTION 'the policy says "%: %", which is no day', key_in, said USING ERRCODE = 'BO422', COLUMN = 'content';
END $$;

-- Name, version, limit, days and hash of a text, as the text itself says them.
DROP FUNCTION IF EXISTS ledger.read_policy(text);
CREATE FUNCTION ledger.read_policy(content_in text, OUT policy_id text, OUT version integer, OUT machine_limit numeric, OUT currency text, OUT sha256 text,
                                   OUT effective_from date, OUT effective_to date)
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE limit_text text;
BEGIN
  policy_id := ledger.policy_says(content_in, 'policy', '[a-z_]+');
  version := ledger.policy_says(content_in, 'version', '[0-9]{1,9}');
  limit_text := ledger.policy_says(content_in, 'machine_limit', '[0-9]{1,16}(\.[0-9]{1,2})? [A-Z]{3}');
  machine_limit := split_part(limit_text, ' ', 1);
  currency := split_part(limit_text, ' ', 2);
  sha256 := encode(sha256(convert_to(content_in, 'UTF8')), 'hex');
  effective_from := ledger.policy_says_day(content_in, 'effective_from');
  effective_to := ledger.policy_says_day(content_in, 'effective_to');
END $$;

-- The business day from which a text decides: the one asked for, else the first on which it says that it counts, else NULL: at once.
-- Refused where the text does not count on that day.
DROP FUNCTION IF EXISTS review.policy_start(text, date);
CREATE OR REPLACE FUNCTION ledger.policy_start(content_in text, effective_in date) RETURNS date
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE said record := ledger.read_policy(content_in); today date := ledger.policy_day(); starts date;
BEGIN
  starts := coalesce(effective_in, CASE WHEN said.effective_from > today THEN said.effective_from END);
  IF starts < said.effective_from THEN
    PERFORM review.refuse_field('effective_from', format('the text says that it counts from %s on, not from %s', said.effective_from, starts));
  ELSIF said.effective_to < coalesce(starts, today) THEN
    PERFORM review.refuse_field('effective_from', format('the text says that it counts until %s, so it cannot begin on %s', said.effective_to, coalesce(starts, today)));
  END IF;
  RETURN starts;
END $$;

-- Changes of one policy take turns, and so do the records about it.
CREATE OR REPLACE FUNCTION ledger.lock_policy(policy_in text) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp
RETURN pg_advisory_xact_lock(hashtextextended('backoffice:policy:' || policy_in, 0));

-- May this text become the next version? A number stands for one text, and numbers rise. To be asked under the policy's lock.
CREATE OR REPLACE FUNCTION ledger.check_next_version(policy_in text, version_in integer, sha256_in text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE other text; highest integer;
BEGIN
  SELECT v.sha256 INTO other FROM ledger.policy_version v WHERE v.policy_id = policy_in AND v.version = version_in;
  IF other = sha256_in THEN
    PERFORM review.refuse('BO409', format('version %s of policy %s is this text already', version_in, policy_in));
  ELSIF other IS NOT NULL THEN
    PERFORM review.refuse('BO409', format('version %s of policy %s is another text (%s); give this one the next number', version_in, policy_in, left(other, 12)));
  END IF;
  SELECT max(v.version) INTO highest FROM ledger.policy_version v WHERE v.policy_id = policy_in;
  IF version_in < highest THEN
    PERFORM review.refuse('BO409', format('policy %s is at version %s; versions rise, so %s cannot come after it', policy_in, highest, version_in));
  END IF;
END $$;

-- Enter a version; the only writer of ledger.policy_version. Who may is checked by who calls.
CREATE OR REPLACE FUNCTION ledger.enter_policy(content_in text, by_in text, effective_in date, proposal_in bigint) RETURNS ledger.policy_version
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE said record := ledger.read_policy(content_in); entered ledger.policy_version;
BEGIN
  PERFORM ledger.lock_policy(said.policy_id);
  PERFORM ledger.check_next_version(said.policy_id, said.version, said.sha256);
  IF said.policy_id = 'case_priority' THEN
    PERFORM review.priority_rules(content_in);
  END IF;
  INSERT INTO ledger.policy_version (policy_id, version, sha256, content, machine_limit, currency, approved_at, approved_by, effective_from, effective_to, proposal_id)
  SELECT said.policy_id, said.version, said.sha256, content_in, said.machine_limit, said.currency,
         -- the order of approval is the order of these moments, also where a clock was set back
         greatest(clock_timestamp(), (SELECT max(v.approved_at) + interval '1 microsecond' FROM ledger.policy_version v WHERE v.policy_id = said.policy_id)),
         by_in, ledger.policy_start(content_in, effective_in), said.effective_to, proposal_in
  RETURNING * INTO entered;
  RETURN entered;
END $$;

-- The owner's own way: the first version at installation, and where no two people are left who could. The record says so, and the
-- version stays marked by_owner. Open to no log-in.
DROP FUNCTION IF EXISTS ledger.activate_policy(text, text);
CREATE OR REPLACE FUNCTION ledger.activate_policy(content_in text, by_in text, process_in text DEFAULT NULL, effective_in date DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE policy_in text := ledger.policy_says(content_in, 'policy', '[a-z_]+'); before integer; entered ledger.policy_version;
BEGIN
  PERFORM ledger.lock_policy(policy_in);
  SELECT max(v.version) INTO before FROM ledger.policy_version v WHERE v.policy_id = policy_in;
  IF by_in = 'installation' AND before IS NOT NULL THEN
    PERFORM review.refuse('BO403', format('policy %s is installed, at version %s; an installation does not change it', policy_in, before));
  END IF;
  INSERT INTO ledger.policy AS p (policy_id, process) VALUES (policy_in, coalesce(process_in, '*'))
  ON CONFLICT (policy_id) DO UPDATE SET process = excluded.process WHERE p.process = '*';
  entered := ledger.enter_policy(content_in, by_in, effective_in, NULL);
  PERFORM audit.append('policy', 'policy:' || policy_in, audit.object('step', audit.text('activated by the owner'), 'approved_at', audit.text(ops.utc(entered.approved_at)), 'policy_id', audit.text(policy_in),
    'version', audit.text(entered.version::text), 'sha256', audit.text(entered.sha256), 'machine_limit', audit.number(entered.machine_limit),
    'currency', audit.text(entered.currency), 'effective_from', audit.text(entered.effective_from::text), 'replaces_version', audit.text(before::text),
    'activated_by', audit.text(by_in), 'by_owner', audit.text('true'), 'at', audit.text(ops.utc(now()))));
END $$;

-- The version that a run must decide by. Says in the policy's own records when a version decided for the first time.
CREATE OR REPLACE FUNCTION ledger.policy_to_decide_by(this_run ops.run, policy_in text, sha256_in text) RETURNS ledger.policy_version
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE active ledger.policy_version;
BEGIN
  SELECT v.* INTO active FROM ledger.active_policy v WHERE v.policy_id = policy_in;
  IF active.sha256 IS DISTINCT FROM sha256_in OR sha256_in IS NULL THEN
    RAISE EXCEPTION 'policy % with hash % is not the active version (active: % version %); activate it or decide by the active text',
      policy_in, left(sha256_in, 12), coalesce(left(active.sha256, 12), 'none'), active.version USING ERRCODE = 'BO403';
  END IF;
  IF NOT EXISTS (SELECT FROM ledger.policy_use u WHERE u.policy_id = active.policy_id AND u.version = active.version) THEN
    PERFORM ledger.lock_policy(active.policy_id);
    INSERT INTO ledger.policy_use (policy_id, version, run_id) VALUES (active.policy_id, active.version, this_run.run_id) ON CONFLICT DO NOTHING;
    IF FOUND THEN
      PERFORM audit.append('policy', 'policy:' || active.policy_id, audit.object('step', audit.text('first used'), 'policy_id', audit.text(active.policy_id),
        'version', audit.text(active.version::text), 'sha256', audit.text(active.sha256), 'effective_from', audit.text(active.effective_from::text),
        'run_id', audit.text(this_run.run_id::text), 'business_date', audit.text(this_run.business_date::text), 'at', audit.text(ops.utc(now()))));
    END IF;
  END IF;
  RETURN active;
END $$;

DO $$
DECLARE protected text;
BEGIN
  FOREACH protected IN ARRAY ARRAY['ledger.policy_version', 'ledger.policy_use'] LOOP
    EXECUTE format('DROP TRIGGER IF EXISTS append_only ON %s', protected);
    EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change()', protected);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER append_only', protected);
  END LOOP;
END $$;
-- of a proposal only its state changes
DROP TRIGGER IF EXISTS append_only ON review.policy_proposal;
CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE OR UPDATE OF proposal_id, policy_id, version, sha256, content, machine_limit, currency, effective_from, replaces_version,
  impact_text, impact_sha256, proposed_by, proposed_at ON review.policy_proposal FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
ALTER TABLE review.policy_proposal ENABLE ALWAYS TRIGGER append_only;
