-- How long records are kept, what holds them beyond that, and how they are purged.
-- The class of a record: that of its kind and subject, else that of its kind. Null where nobody said: such a record is kept.
CREATE OR REPLACE FUNCTION audit.class_of(kind_in text, subject_in text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.class FROM audit.record_class c WHERE c.kind = kind_in AND c.subject_kind IN (split_part(subject_in, ':', 1), '*') ORDER BY c.subject_kind = '*' LIMIT 1
$$;

-- Today, for what may go today: where companies live in several time zones, the day of the one that is behind.
CREATE OR REPLACE FUNCTION audit.today() RETURNS date
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce((SELECT min(ops.business_date(e.entity)) FROM ops.entity e), (now() AT TIME ZONE 'UTC')::date)
$$;

-- Last day of the fiscal year in which a day lies; of several companies the latest.
CREATE OR REPLACE FUNCTION ops.fiscal_year_end(day_in date) RETURNS date
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT max(CASE WHEN y.ends < day_in THEN make_date(extract(year FROM day_in)::integer + 1, m.month, 1) + interval '1 month - 1 day' ELSE y.ends END)::date
  FROM (SELECT e.fiscal_year_ends_in::integer AS month FROM ops.entity e UNION SELECT 12 WHERE NOT EXISTS (SELECT FROM ops.entity)) AS m
  CROSS JOIN LATERAL (SELECT (make_date(extract(year FROM day_in)::integer, m.month, 1) + interval '1 month - 1 day')::date AS ends) AS y
$$;

-- Last day on which something of a class must still be there. A class that is not known, and one without years: for ever.
CREATE OR REPLACE FUNCTION audit.kept_until(class_in text, day_in date) RETURNS date
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce((SELECT ((CASE r.counted_from WHEN 'record' THEN day_in ELSE ops.fiscal_year_end(day_in) END) + make_interval(years => r.years))::date
                   FROM audit.retention r WHERE r.class = class_in), 'infinity')
$$;

-- The company that a record is about, where its subject tells.
CREATE OR REPLACE FUNCTION audit.entity_of(subject_in text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE split_part(subject_in, ':', 1)
    WHEN 'invoice' THEN (SELECT i.entity FROM purchasing.invoice i WHERE i.content_hash = CASE WHEN subject_in ~ '^invoice:([0-9a-f]{2})+$' THEN decode(substr(subject_in, 9), 'hex') END)
    WHEN 'case' THEN (SELECT c.entity FROM review.case c WHERE c.case_id = CASE WHEN subject_in ~ '^case:[0-9]{1,18}$' THEN substr(subject_in, 6)::bigint END)
    WHEN 'receipt' THEN split_part(substr(subject_in, 9), '/', 1) END
$$;

-- Holds in force that cover a record. One on a company covers also what is not known to be of another company; one on a person all
-- that this person had a part in.
CREATE OR REPLACE FUNCTION audit.holds_on(class_in text, subject_in text) RETURNS SETOF audit.legal_hold
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT h.* FROM audit.legal_hold h WHERE h.lifted_at IS NULL AND CASE h.scope_kind
    WHEN 'everything' THEN true WHEN 'class' THEN h.scope = class_in WHEN 'subject' THEN h.scope = subject_in
    WHEN 'entity' THEN coalesce(audit.entity_of(subject_in), h.scope) = h.scope
    WHEN 'person' THEN subject_in = 'person:' || h.scope OR EXISTS (SELECT FROM audit.personal_use u WHERE u.record_subject = subject_in AND u.subject = 'person:' || h.scope) END
$$;

-- One at a time: a hold is placed before a purge or an erasure, or after it, never while it goes on.
CREATE OR REPLACE FUNCTION audit.lock_retention() RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp
RETURN pg_advisory_xact_lock(hashtextextended('backoffice:retention', 0));

-- Sealed records of a class before a day that still have their body.
CREATE OR REPLACE FUNCTION audit.old_records(class_in text, before_in date) RETURNS TABLE (leaf_index bigint, record_id bigint, subject text, leaf bytea, day date)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT l.leaf_index, r.record_id, r.subject, r.leaf, (r.recorded_at AT TIME ZONE 'UTC')::date
  FROM audit.record r JOIN audit.leaf l ON l.record_id = r.record_id
  LEFT JOIN audit.record_class exact ON exact.kind = r.kind AND exact.subject_kind = split_part(r.subject, ':', 1)
  LEFT JOIN audit.record_class rest ON rest.kind = r.kind AND rest.subject_kind = '*'
  WHERE coalesce(exact.class, rest.class) = class_in AND r.body IS NOT NULL AND (r.recorded_at AT TIME ZONE 'UTC')::date < before_in
$$;

-- Subjects of such records that a hold covers: each is asked of once, and none when nothing is held.
CREATE OR REPLACE FUNCTION audit.held_subjects(class_in text, before_in date) RETURNS TABLE (subject text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT s.subject FROM (SELECT DISTINCT o.subject FROM audit.old_records(class_in, before_in) o WHERE EXISTS (SELECT FROM audit.legal_hold h WHERE h.lifted_at IS NULL)) AS s
  WHERE EXISTS (SELECT FROM audit.holds_on(class_in, s.subject))
$$;

-- Refuse a purge that reaches into what must still be there; otherwise say how many records it would take and how many are held.
CREATE OR REPLACE FUNCTION audit.check_purge(class_in text, before_in date, OUT records bigint, OUT held bigint)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE kept audit.retention; still date;
BEGIN
  SELECT r.* INTO kept FROM audit.retention r WHERE r.class = class_in;
  IF kept.class IS NULL THEN
    PERFORM review.refuse('BO422', format('there is no record class %s; there are: %s', class_in, (SELECT string_agg(r.class, ', ' ORDER BY r.class) FROM audit.retention r)));
  ELSIF kept.years IS NULL THEN
    PERFORM review.refuse('BO422', format('records of class %s are kept as long as the log (%s)', class_in, kept.basis));
  END IF;
  SELECT max(d.kept_until) INTO still FROM (SELECT audit.kept_until(class_in, o.day) AS kept_until FROM (SELECT DISTINCT x.day FROM audit.old_records(class_in, before_in) x) AS o) AS d;
  IF before_in > audit.today() OR still >= audit.today() THEN
    PERFORM review.refuse('BO409', format('class %s is kept for %s years (%s): something from before %s must be there until %s', class_in, kept.years, kept.basis, before_in,
      coalesce(still, audit.kept_until(class_in, before_in - 1))));
  END IF;
  SELECT count(*) FILTER (WHERE h.subject IS NULL), count(h.subject) INTO records, held
  FROM audit.old_records(class_in, before_in) o LEFT JOIN audit.held_subjects(class_in, before_in) h ON h.subject = o.subject;
END $$;

-- Take the bodies of old records away. Row, place and leaf stay, so every proof over them holds; a record of kind erasure says what
-- went, upon whose request, and the hash over the hashes of each block of 256 places: over the leaves that went of it, in order. Of however
-- many records, none of this is one large value. audit.purged says which record says it of which leaf.
CREATE OR REPLACE FUNCTION audit.purge(class_in text, before_in date, request_in bigint, asked_by text, approved_by text) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE counted record; kept audit.retention; gone record; said_by bigint; went bigint;
BEGIN
  PERFORM audit.lock_retention();
  SELECT * INTO counted FROM audit.check_purge(class_in, before_in);
  SELECT r.* INTO kept FROM audit.retention r WHERE r.class = class_in;
  SELECT coalesce(sum(b.records), 0)::bigint AS records, encode(sha256(string_agg(b.digest, ''::bytea ORDER BY b.block_no)), 'hex') AS digest INTO gone
  FROM (SELECT o.leaf_index / 256 AS block_no, count(*) AS records, sha256(string_agg(o.leaf, ''::bytea ORDER BY o.leaf_index)) AS digest
        FROM audit.old_records(class_in, before_in) o WHERE o.subject NOT IN (SELECT h.subject FROM audit.held_subjects(class_in, before_in) h) GROUP BY 1) AS b;
  IF gone.records = 0 THEN
    PERFORM review.refuse('BO409', format('there is nothing to purge of class %s before %s', class_in, before_in));
  END IF;
  PERFORM audit.append('erasure', 'log', audit.object('step', audit.text('records purged'), 'class', audit.text(class_in), 'before', audit.text(before_in::text),
    'records', audit.text(gone.records::text), 'held', audit.text(counted.held::text), 'leaves_sha256', audit.text(gone.digest), 'years', audit.text(kept.years::text),
    'basis', audit.text(kept.basis), 'request_id', audit.text(request_in::text), 'requested_by', audit.text(asked_by), 'approved_by', audit.text(approved_by), 'at', audit.text(ops.utc(now()))));
  SELECT r.record_id INTO said_by FROM audit.record r WHERE r.subject = 'log' ORDER BY r.n DESC LIMIT 1;
  INSERT INTO audit.purged (leaf_index, erasure)
  SELECT o.leaf_index, said_by FROM audit.old_records(class_in, before_in) o WHERE o.subject NOT IN (SELECT h.subject FROM audit.held_subjects(class_in, before_in) h);
  GET DIAGNOSTICS went = ROW_COUNT;
  IF went <> gone.records THEN
    PERFORM review.refuse('BO409', 'old records were sealed at this moment; approve again');
  END IF;
  UPDATE audit.record r SET body = NULL FROM audit.purged p JOIN audit.leaf l ON l.leaf_index = p.leaf_index WHERE p.erasure = said_by AND l.record_id = r.record_id;
  RETURN jsonb_build_object('records', gone.records, 'held', counted.held, 'leaves_sha256', gone.digest);
END $$;

-- What each purge took, as its record has to say it: how many records, and the hash over the hashes of their blocks.
CREATE OR REPLACE VIEW audit.purge_sum AS
SELECT b.erasure, sum(b.records)::bigint AS records, encode(sha256(string_agg(b.digest, ''::bytea ORDER BY b.block_no)), 'hex') AS leaves_sha256
FROM (SELECT p.erasure, p.leaf_index / 256 AS block_no, count(*) AS records, sha256(string_agg(r.leaf, ''::bytea ORDER BY p.leaf_index)) AS digest
      FROM audit.purged p JOIN audit.leaf l ON l.leaf_index = p.leaf_index JOIN audit.record r ON r.record_id = l.record_id GROUP BY 1, 2) AS b GROUP BY b.erasure;

-- What is wrong with the gaps in the log; no row: each is accounted for. An offline verifier checks the same on an export.
CREATE OR REPLACE FUNCTION audit.check_purges() RETURNS TABLE (leaf_index bigint, problem text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH said AS (
    SELECT e.record_id, convert_from(e.body, 'UTF8')::jsonb AS body FROM audit.record e WHERE e.kind = 'erasure' AND convert_from(e.body, 'UTF8')::jsonb ->> 'step' = 'records purged'
  )
  SELECT l.leaf_index, 'a body is missing and no record says that it was purged' FROM audit.record r LEFT JOIN audit.leaf l ON l.record_id = r.record_id
  WHERE r.body IS NULL AND NOT EXISTS (SELECT FROM audit.purged p WHERE p.leaf_index = l.leaf_index)
  UNION ALL
  SELECT p.leaf_index, 'it is said to be purged and its body is there' FROM audit.purged p LEFT JOIN audit.leaf l ON l.leaf_index = p.leaf_index LEFT JOIN audit.record r ON r.record_id = l.record_id
  WHERE r.record_id IS NULL OR r.body IS NOT NULL
  UNION ALL
  SELECT NULL, 'record ' || coalesce(s.record_id, f.erasure) || ' does not account for the bodies that are missing: it says ' || coalesce(s.body ->> 'records', 'nothing') || ', there are ' || coalesce(f.records, 0)
  FROM said s FULL JOIN audit.purge_sum f ON f.erasure = s.record_id
  WHERE (f.records::text, f.leaves_sha256) IS DISTINCT FROM (s.body ->> 'records', s.body ->> 'leaves_sha256')
$$;
