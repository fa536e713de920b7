CREATE OR REPLACE FUNCTION ops.business_date(entity_in text) RETURNS date
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT coalesce((SELECT c.business_date FROM ops.simulated_clock c), (now() AT TIME ZONE e.time_zone)::date)
  FROM ops.entity e WHERE e.entity = entity_in;
END;
COMMENT ON FUNCTION ops.business_date IS 'Today in the entity''s time zone; a simulated clock (tests, drills) wins.';

-- The latest moment that can be: a source or record that says later has a wrong clock. Five minutes are forgiven, less than
-- what each reading overlaps the one before.
CREATE OR REPLACE FUNCTION ops.latest_moment() RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT greatest(clock_timestamp(), (SELECT (c.business_date + 2)::timestamp AT TIME ZONE 'UTC' FROM ops.simulated_clock c)) + interval '5 minutes';
END;

CREATE OR REPLACE FUNCTION ops.utc(at timestamptz) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');

-- A run of a process. The same Airflow run asked again is the same row, so a cleared task finds its own run.
CREATE OR REPLACE FUNCTION ops.open_run(process_in text, dag_in text, airflow_run_in text, dry_run_in boolean,
                                        parameters_in jsonb, package_version_in text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE found_run bigint;
BEGIN
  IF NOT EXISTS (SELECT FROM ops.entity) THEN
    RAISE EXCEPTION 'no entity is set up; insert your company into ops.entity and its periods into ledger.fiscal_period' USING ERRCODE = 'BO422';
  END IF;
  INSERT INTO ops.run (process, dag_id, airflow_run_id, business_date, dry_run, parameters, package_version)
  SELECT process_in, dag_in, airflow_run_in, (SELECT max(ops.business_date(e.entity)) FROM ops.entity e),
         dry_run_in, coalesce(parameters_in, '{}'), package_version_in
  ON CONFLICT (dag_id, airflow_run_id) DO NOTHING
  RETURNING run_id INTO found_run;
  IF found_run IS NULL THEN
    SELECT r.run_id INTO STRICT found_run FROM ops.run r WHERE r.dag_id = dag_in AND r.airflow_run_id = airflow_run_in;
    RETURN found_run;
  END IF;
  PERFORM audit.append('path', 'run:' || found_run, audit.object(
    'run_id', audit.text(found_run::text), 'process', audit.text(process_in), 'dag_id', audit.text(dag_in),
    'airflow_run_id', audit.text(airflow_run_in), 'dry_run', audit.text(dry_run_in::text),
    'parameters', audit.text(parameters_in::text), 'package_version', audit.text(package_version_in),
    'step', audit.text('run opened'), 'at', audit.text(ops.utc(now()))));
  RETURN found_run;
END $$;

-- Datasets that this run expected from a source and has not accepted up to now: what depends on them waits. A period or a
-- selection that was read again says nothing about the rest of its source: then it counts how the last run fared that asked
-- for everything.
CREATE OR REPLACE FUNCTION ops.stale_datasets(run_in bigint) RETURNS text[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH attempt AS (
    SELECT l.run_id, l.source, l.dataset, l.advances_watermark OR l.complete AS whole, l.state = 'accepted' AS accepted FROM intake.load l WHERE l.state <> 'superseded'
  ), expected AS (
    SELECT r.run_id, r.process, s.source AS named, s.source ->> 'source' AS source, s.source ->> 'dataset' AS dataset
    FROM ops.run r, jsonb_array_elements(coalesce(r.parameters -> 'sources', '[]')) AS s(source) WHERE r.run_id = run_in
  )
  SELECT coalesce(array_agg(DISTINCT e.dataset), '{}') FROM expected e
  CROSS JOIN LATERAL (SELECT CASE WHEN EXISTS (SELECT FROM attempt a WHERE a.run_id = e.run_id AND a.source = e.source AND a.dataset = e.dataset AND a.accepted AND NOT a.whole)
    THEN (SELECT f.run_id FROM ops.run f WHERE f.process = e.process AND f.run_id < e.run_id AND NOT f.dry_run AND f.parameters -> 'sources' @> jsonb_build_array(e.named)
            AND NOT EXISTS (SELECT FROM attempt a WHERE a.run_id = f.run_id AND a.source = e.source AND a.dataset = e.dataset AND NOT a.whole)
          ORDER BY f.run_id DESC LIMIT 1)
    ELSE e.run_id END AS run_id) AS telling
  WHERE NOT EXISTS (SELECT FROM attempt a WHERE a.run_id = telling.run_id AND a.source = e.source AND a.dataset = e.dataset AND a.accepted AND a.whole)
$$;

-- One writer per process: match, post and answers take this lock inside their transaction.
CREATE OR REPLACE FUNCTION ops.lock_process(process_in text) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp
RETURN pg_advisory_xact_lock(hashtextextended('backoffice:' || process_in, 0));

-- What a dry run does is rolled back, never kept, whoever calls: its row in ops.rehearsal fails at commit.
CREATE OR REPLACE FUNCTION ops.refuse_commit() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'run % is a dry run: what it does is rolled back, never kept', NEW.run_id USING ERRCODE = 'BO403';
END $$;
DROP TRIGGER IF EXISTS never_committed ON ops.rehearsal;
CREATE CONSTRAINT TRIGGER never_committed AFTER INSERT OR UPDATE ON ops.rehearsal DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ops.refuse_commit();
ALTER TABLE ops.rehearsal ENABLE ALWAYS TRIGGER never_committed;

-- Called by every act function: a dry run may work with other tolerances than those in force, but cannot keep what it does.
CREATE OR REPLACE FUNCTION ops.rehearse(this_run ops.run, tolerances text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF this_run.dry_run THEN
    INSERT INTO ops.rehearsal AS r (run_id, tolerance_set) VALUES (this_run.run_id, tolerances)
    ON CONFLICT (run_id) DO UPDATE SET tolerance_set = coalesce(excluded.tolerance_set, r.tolerance_set);
  ELSIF tolerances <> (SELECT s.value FROM ledger.setting s WHERE s.name = 'tolerance_set') THEN
    RAISE EXCEPTION 'tolerance set % is not in force; only a dry run may try it', tolerances USING ERRCODE = 'BO403';
  END IF;
END $$;

CREATE OR REPLACE FUNCTION ledger.is_business_day(entity_in text, day_in date) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT extract(isodow FROM day_in) < 6 AND NOT EXISTS (SELECT FROM ledger.holiday h WHERE h.entity = entity_in AND h.day = day_in);
END;

-- Business days after from_day up to and including to_day: whole weeks, the days of the last one, less holidays on
-- weekdays. Counted, not walked through: documents of many years ago cost no more than yesterday's.
CREATE OR REPLACE FUNCTION ledger.business_days(entity_in text, from_day date, to_day date) RETURNS integer
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT (days.n / 7 * 5
    + (SELECT count(*) FROM generate_series(1, days.n % 7) AS k WHERE extract(isodow FROM from_day + k) < 6)
    - (SELECT count(*) FROM ledger.holiday h WHERE h.entity = entity_in AND h.day > from_day AND h.day <= to_day AND extract(isodow FROM h.day) < 6))::integer
  FROM (SELECT greatest(to_day - from_day, 0) AS n) AS days;
END;

-- The business day of booking, or the first business day after it that lies in an open period. No row when there is none.
CREATE OR REPLACE FUNCTION ledger.find_posting_day(entity_in text, booked_on date, OUT day date, OUT period text) RETURNS SETOF record
LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE last_open date;
BEGIN
  SELECT max(p.ends_on) INTO last_open FROM ledger.fiscal_period p WHERE p.entity = entity_in AND p.state = 'open';
  FOR place IN 0 .. coalesce(last_open - booked_on, -1) LOOP
    find_posting_day.day := booked_on + place;
    SELECT p.period INTO find_posting_day.period FROM ledger.fiscal_period p
    WHERE p.entity = entity_in AND p.state = 'open' AND find_posting_day.day BETWEEN p.starts_on AND p.ends_on ORDER BY p.starts_on DESC LIMIT 1;
    IF FOUND AND ledger.is_business_day(entity_in, find_posting_day.day) THEN
      RETURN NEXT;
      RETURN;
    END IF;
  END LOOP;
END $$;

-- Posting date and period of today per entity. An entity without an open period ahead is not in it: nothing of it is booked.
CREATE OR REPLACE VIEW ledger.posting_day AS
SELECT e.entity, p.day, p.period FROM ops.entity e CROSS JOIN LATERAL ledger.find_posting_day(e.entity, ops.business_date(e.entity)) p;
DROP FUNCTION IF EXISTS ledger.posting_date(text, date);
