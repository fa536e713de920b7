-- A batch: items that are put before one person as a whole, with control totals. The items are read from the ledger's own facts, whoever
-- asks; while a batch is not signed, nothing is done with any of them (docs/reference/batch-signoff.md).

-- What a batch is still about, per currency: its control totals. What was taken out counts no more.
CREATE OR REPLACE VIEW review.batch_total AS
SELECT x.batch_id, row_number() OVER (PARTITION BY x.batch_id ORDER BY x.currency)::integer AS total_no, x.currency, count(*) AS items, sum(x.amount) AS amount
FROM review.batch_item x WHERE x.state <> 'taken_out' GROUP BY x.batch_id, x.currency;

-- Invoices that are not to be booked: before a person, or taken out by one and not held yet.
CREATE OR REPLACE VIEW review.unsigned_posting AS
SELECT x.subject_id AS invoice_id, x.batch_id, x.item_no FROM review.batch_item x
WHERE x.item_kind = 'posting' AND (x.state = 'asked' OR x.state IN ('taken_out', 'refused') AND x.settled_run IS NULL);

-- Nothing of what was put before a person changes; what becomes of an item is said once.
CREATE OR REPLACE FUNCTION review.refuse_item_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND to_jsonb(NEW) - '{state,taken_out_by,settled_run}'::text[] = to_jsonb(OLD) - '{state,taken_out_by,settled_run}'::text[]
     AND (OLD.state = 'asked' OR NEW.state = OLD.state AND NEW.taken_out_by IS NOT DISTINCT FROM OLD.taken_out_by) AND OLD.settled_run IS NULL THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'review.batch_item keeps what was put before a person; a correction is a new batch' USING ERRCODE = 'BO403';
END $$;
DO $$
BEGIN
  DROP TRIGGER IF EXISTS kept ON review.batch_item;
  CREATE TRIGGER kept BEFORE UPDATE OR DELETE ON review.batch_item FOR EACH ROW EXECUTE FUNCTION review.refuse_item_change();
  ALTER TABLE review.batch_item ENABLE ALWAYS TRIGGER kept;
  DROP TRIGGER IF EXISTS never_emptied ON review.batch_item;
  CREATE TRIGGER never_emptied BEFORE TRUNCATE ON review.batch_item FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
  ALTER TABLE review.batch_item ENABLE ALWAYS TRIGGER never_emptied;
  DROP TRIGGER IF EXISTS append_only ON review.batch;
  CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON review.batch FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
  ALTER TABLE review.batch ENABLE ALWAYS TRIGGER append_only;
END $$;

-- The rule for items of this kind, process and company: the row that names more counts.
CREATE OR REPLACE FUNCTION review.batch_rule_for(kind_in text, process_in text, entity_in text) RETURNS review.batch_rule
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT r FROM review.batch_rule r WHERE r.item_kind = kind_in AND r.process IN ('*', process_in) AND r.entity IN ('*', entity_in) ORDER BY r.entity = '*', r.process = '*' LIMIT 1
$$;

-- What the ledger knows now of what may be an item, and why nothing can be done with it any more. A posting is an invoice to be booked.
CREATE OR REPLACE FUNCTION review.batch_facts(kind_in text, subjects bigint[])
RETURNS TABLE (subject_id bigint, subject_key text, entity text, name text, amount numeric, currency text, evidence_hash bytea, due_date date, gone text, place bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT i.invoice_id, encode(i.content_hash, 'hex'), i.entity, i.invoice_number, abs(i.gross_total), i.currency, e.evidence_hash, i.due_date,
         CASE WHEN st.state = 'rejected' THEN 'was rejected' WHEN st.booking_no IS NOT NULL THEN 'is booked' WHEN q.invoice_id IS NOT NULL THEN 'waits to be compared anew' END,
         row_number() OVER (ORDER BY i.invoice_date, i.number_key, i.invoice_number COLLATE "C", i.content_hash)
  FROM purchasing.invoice i JOIN ledger.invoice_status st ON st.invoice_id = i.invoice_id JOIN ledger.evidence_of(subjects) e ON e.invoice_id = i.invoice_id
  LEFT JOIN ledger.match_queue q ON q.invoice_id = i.invoice_id
  WHERE kind_in = 'posting' AND i.invoice_id = ANY (subjects)
$$;

-- The items of a batch as canonical text: all that were put before a person, or what is still signed for.
CREATE OR REPLACE FUNCTION review.batch_sha256(batch_in bigint, still_asked boolean) RETURNS bytea
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT sha256(convert_to(b.batch_id || '|' || b.item_kind || '|' || coalesce((
    SELECT string_agg(concat_ws(',', x.item_no, x.subject_key, trim_scale(x.amount), x.currency, encode(x.evidence_hash, 'hex')), ';' ORDER BY x.item_no)
    FROM review.batch_item x WHERE x.batch_id = b.batch_id AND NOT (still_asked AND x.state = 'taken_out')), ''), 'UTF8'))
  FROM review.batch b WHERE b.batch_id = batch_in
$$;

-- Which items are not what they were when the batch was put before a person, and what is with them now.
CREATE OR REPLACE FUNCTION review.batch_changes(batch_in bigint) RETURNS TABLE (item_no integer, name text, now_is text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT x.item_no, x.name, coalesce(f.gone, CASE WHEN f.subject_id IS NULL THEN 'is not there any more' ELSE 'has other facts' END)
  FROM review.batch b JOIN review.batch_item x ON x.batch_id = b.batch_id AND x.state = 'asked'
  LEFT JOIN review.batch_facts(b.item_kind, ARRAY(SELECT y.subject_id FROM review.batch_item y WHERE y.batch_id = batch_in AND y.state = 'asked')) f ON f.subject_id = x.subject_id
  WHERE b.batch_id = batch_in AND (f.subject_id IS NULL OR f.gone IS NOT NULL OR (f.evidence_hash, f.amount, f.currency) IS DISTINCT FROM (x.evidence_hash, x.amount, x.currency::text))
  ORDER BY x.item_no
$$;

-- How a batch is shown: title, amount where it is in one currency, hash of what is signed for, hand-over.
CREATE OR REPLACE FUNCTION review.describe_batch(batch_in bigint, OUT title text, OUT amount numeric, OUT currency text, OUT evidence bytea, OUT handover jsonb)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format('Batch %s: %s %s, %s', b.batch_id, t.items, CASE t.items WHEN 1 THEN 'entry' ELSE 'entries' END, t.told),
    CASE WHEN t.currencies = 1 THEN t.amount END, CASE WHEN t.currencies = 1 THEN t.currency END, review.batch_sha256(b.batch_id, true),
    jsonb_build_object(
      'supplier', jsonb_build_object('id', NULL, 'name', NULL), 'document', jsonb_build_object('kind', 'batch', 'number', b.batch_id::text, 'gross', CASE WHEN t.currencies = 1 THEN trim_scale(t.amount)::text END,
        'currency', CASE WHEN t.currencies = 1 THEN t.currency END),
      'batch', jsonb_build_object('batch_id', b.batch_id::text, 'kind', b.item_kind, 'items', t.items, 'taken_out', o.taken_out, 'totals', t.totals,
        'limit', jsonb_build_object('amount', trim_scale(b.amount_above)::text, 'currency', b.currency)),
      'holds', '[]'::jsonb, 'findings', '[]'::jsonb,
      'steps', jsonb_build_array(jsonb_build_object('step', 'put before a person', 'at', ops.utc(b.opened_at), 'result', 'entries above ' || review.amount_in_words(b.amount_above, b.currency)
        || ' together: nothing of it is booked until it is signed')),
      'actions', jsonb_build_array(
        jsonb_build_object('action', 'accept', 'label', 'Sign off', 'needs_second_person', false, 'reason_codes', review.reasons_offered('batch_signoff', 'accept', '{}'),
          'effect', format('Books the %s of this batch: %s. Each is checked again as it is booked.', CASE t.items WHEN 1 THEN 'entry' ELSE t.items || ' entries' END, t.told)),
        jsonb_build_object('action', 'reject', 'label', 'Refuse the batch', 'needs_second_person', false, 'reason_codes', review.reasons_offered('batch_signoff', 'reject', '{}'),
          'effect', 'Nothing of it is booked. Each entry is held and becomes a case of its own.')))
  FROM review.batch b
  CROSS JOIN LATERAL (SELECT sum(x.items)::bigint AS items, count(*) AS currencies, min(x.currency) AS currency, sum(x.amount) AS amount,
      string_agg(review.amount_in_words(x.amount, x.currency), ' and ' ORDER BY x.currency) AS told,
      jsonb_agg(jsonb_build_object('currency', x.currency, 'items', x.items, 'amount', trim_scale(x.amount)::text) ORDER BY x.currency) AS totals
    FROM review.batch_total x WHERE x.batch_id = b.batch_id) t
  CROSS JOIN LATERAL (SELECT count(*) AS taken_out FROM review.batch_item x WHERE x.batch_id = b.batch_id AND x.state = 'taken_out') o
  WHERE b.batch_id = batch_in
$$;

-- Put these items before a person as one batch and return its case. What they are, in which order, over which amounts and who signs
-- is the ledger's to say: the caller names them, and nothing else. While the case is open nothing is done with them.
CREATE OR REPLACE FUNCTION review.open_batch(run_in bigint, kind_in text, subjects bigint[]) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE this_run ops.run; rule review.batch_rule; companies text[]; opened bigint; case_opened bigint; shown record; wrong text; due date;
BEGIN
  SELECT * INTO STRICT this_run FROM ops.run r WHERE r.run_id = run_in;
  PERFORM ops.lock_process(this_run.process);
  PERFORM ops.rehearse(this_run);
  SELECT array_agg(DISTINCT f.entity), string_agg(f.name || ' ' || f.gone, ', ' ORDER BY f.place) FILTER (WHERE f.gone IS NOT NULL) INTO companies, wrong FROM review.batch_facts(kind_in, subjects) f;
  IF cardinality(companies) IS DISTINCT FROM 1 OR (SELECT count(*) FROM review.batch_facts(kind_in, subjects) f) <> (SELECT count(DISTINCT s) FROM unnest(subjects) AS s) THEN
    PERFORM review.refuse('BO422', 'a batch is of items that are there, of one company and of one kind');
  ELSIF wrong IS NOT NULL THEN
    PERFORM review.refuse('BO409', format('nothing is to be done with what is in no batch then: %s', wrong));
  END IF;
  SELECT (review.batch_rule_for(kind_in, this_run.process, companies[1])).* INTO rule;
  IF rule.role IS NULL THEN
    PERFORM review.refuse('BO422', format('no rule says who signs for %s of %s in company %s', kind_in, this_run.process, companies[1]));
  END IF;
  SELECT string_agg(x.name || ' (batch ' || x.batch_id || ')', ', ' ORDER BY x.batch_id, x.item_no) INTO wrong FROM review.batch_item x WHERE x.item_kind = kind_in AND x.subject_id = ANY (subjects) AND x.state = 'asked';
  IF wrong IS NOT NULL THEN
    PERFORM review.refuse('BO409', format('these are before a person already: %s', wrong));
  END IF;

  INSERT INTO review.batch (item_kind, process, entity, amount_above, currency, role, opened_run)
  VALUES (kind_in, this_run.process, companies[1], rule.amount_above, rule.currency, rule.role, run_in) RETURNING batch_id INTO opened;
  INSERT INTO review.batch_item (batch_id, item_no, item_kind, subject_id, subject_key, name, amount, currency, evidence_hash)
  SELECT opened, f.place, kind_in, f.subject_id, f.subject_key, f.name, f.amount, f.currency, f.evidence_hash FROM review.batch_facts(kind_in, subjects) f ORDER BY f.place;
  SELECT min(f.due_date) INTO due FROM review.batch_facts(kind_in, subjects) f;
  SELECT * INTO shown FROM review.describe_batch(opened);
  INSERT INTO review.case (process, subject_kind, subject_id, subject_key, role, entity, title, amount, currency, due_date, evidence_hash, handover, opened_run)
  VALUES (this_run.process, 'batch_signoff', opened, opened::text, rule.role, companies[1], shown.title, shown.amount, shown.currency, due, shown.evidence, shown.handover, run_in)
  RETURNING case_id INTO case_opened;
  INSERT INTO review.case_item (case_id, item_no, code) VALUES (case_opened, 1, 'BATCH');
  PERFORM audit.append('path', 'batch:' || opened, audit.object('step', audit.text('case opened'), 'role', audit.text(rule.role), 'codes', audit.text('BATCH'), 'case_id', audit.text(case_opened::text),
    'batch_id', audit.text(opened::text), 'item_kind', audit.text(kind_in), 'items', audit.text(cardinality(subjects)::text), 'items_sha256', audit.text(encode(review.batch_sha256(opened, false), 'hex')),
    'totals', (SELECT '[' || string_agg(audit.object('currency', audit.text(t.currency), 'items', audit.text(t.items::text), 'amount', audit.number(t.amount)), ',' ORDER BY t.currency) || ']'
               FROM review.batch_total t WHERE t.batch_id = opened),
    'limit', audit.number(rule.amount_above), 'limit_currency', audit.text(rule.currency), 'run_id', audit.text(run_in::text), 'at', audit.text(ops.utc(now()))));
  PERFORM pg_notify('backoffice_review', case_opened::text);
  RETURN case_opened;
END $$;

-- Of what this run would book (ledger.work_booking), keep back what a person has to sign for: what is in a batch that nobody has decided,
-- and whole companies' entries that exceed the rule together, which become a batch now. What the same day has booked without a
-- signature counts with it, so that a night in two parts is no way around. Batches whose items changed are overtaken first.
CREATE OR REPLACE FUNCTION review.withhold_unsigned(this_run ops.run) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE kept bigint := 0; due record;
BEGIN
  IF NOT EXISTS (SELECT FROM review.batch_rule r WHERE r.item_kind = 'posting' AND r.process IN ('*', this_run.process))
     AND NOT EXISTS (SELECT FROM review.unsigned_posting) THEN
    RETURN 0;
  END IF;
  PERFORM review.overtake_batches(this_run.process);

  DELETE FROM ledger.work_booking b USING review.unsigned_posting x WHERE x.invoice_id = b.invoice_id;
  GET DIAGNOSTICS kept = ROW_COUNT;
  FOR due IN
    WITH unsigned AS MATERIALIZED (
      SELECT i.invoice_id, i.entity, abs(i.gross_total) AS amount, i.currency FROM ledger.work_booking b JOIN purchasing.invoice i ON i.invoice_id = b.invoice_id
      JOIN ledger.evidence_of(ARRAY(SELECT w.invoice_id FROM ledger.work_booking w)) e ON e.invoice_id = b.invoice_id
      WHERE NOT EXISTS (SELECT FROM review.batch_item x WHERE x.item_kind = 'posting' AND x.subject_id = b.invoice_id AND x.state = 'signed' AND x.evidence_hash = e.evidence_hash)
        -- decided by a person as a case of its own
        AND NOT EXISTS (SELECT FROM ledger.hold h WHERE h.invoice_id = b.invoice_id AND h.code = 'TAKEN_OUT' AND h.release_kind = 'person' AND h.evidence_hash = e.evidence_hash)
    )
    SELECT u.entity, array_agg(u.invoice_id) AS invoices
    FROM unsigned u JOIN LATERAL (SELECT x.* FROM review.batch_rule_for('posting', this_run.process, u.entity) x WHERE x.role IS NOT NULL) r ON true
    GROUP BY u.entity, r.amount_above, r.currency
    HAVING bool_or(u.currency <> r.currency) OR sum(u.amount) + review.booked_unsigned(this_run, u.entity, r.currency) > r.amount_above ORDER BY u.entity
  LOOP
    PERFORM review.open_batch(this_run.run_id, 'posting', due.invoices);
    DELETE FROM ledger.work_booking b WHERE b.invoice_id = ANY (due.invoices);
    kept := kept + cardinality(due.invoices);
  END LOOP;
  RETURN kept;
END $$;

-- What the machine booked for a company on this run's business day without a person's signature.
CREATE OR REPLACE FUNCTION review.booked_unsigned(this_run ops.run, entity_in text, currency_in text) RETURNS numeric
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(sum(abs(i.gross_total)), 0) FROM ops.run r JOIN ledger.journal_entry e ON e.run_id = r.run_id AND e.entity = entity_in AND e.event IN ('invoice', 'credit_note')
  JOIN purchasing.invoice i ON i.invoice_id = e.invoice_id AND i.currency = currency_in JOIN ledger.decision d ON d.decision_id = e.decision_id AND d.maker = 'machine'
  WHERE r.process = this_run.process AND r.business_date = this_run.business_date
    AND NOT EXISTS (SELECT FROM review.batch_item x WHERE x.item_kind = 'posting' AND x.subject_id = e.invoice_id AND x.state = 'signed')
$$;

-- Open batches that are not what they were: facts changed, or an item is not to be booked any more. Their items are free for another.
CREATE OR REPLACE FUNCTION review.overtake_batches(process_in text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE closed record;
BEGIN
  WITH asked AS MATERIALIZED (
    SELECT x.batch_id, x.subject_id, x.evidence_hash FROM review.batch b JOIN review.batch_item x ON x.batch_id = b.batch_id AND x.state = 'asked' WHERE b.process = process_in AND b.item_kind = 'posting'
  ), changed AS (
    SELECT DISTINCT a.batch_id FROM asked a LEFT JOIN ledger.evidence_of(ARRAY(SELECT DISTINCT y.subject_id FROM asked y)) e ON e.invoice_id = a.subject_id
    WHERE e.evidence_hash IS DISTINCT FROM a.evidence_hash OR NOT EXISTS (SELECT FROM ledger.work_booking w WHERE w.invoice_id = a.subject_id)
  ), overtaken AS (
    UPDATE review.case c SET state = 'superseded', closed_at = now() FROM changed g
    WHERE c.subject_kind = 'batch_signoff' AND c.subject_id = g.batch_id AND c.state IN ('open', 'half_decided') RETURNING c.case_id, c.subject_id, c.role
  )
  SELECT array_agg(o.subject_id ORDER BY o.subject_id) AS batches, array_agg('batch:' || o.subject_id ORDER BY o.subject_id) AS subjects,
    array_agg(audit.object('step', audit.text('case superseded by facts'), 'role', audit.text(o.role), 'case_id', audit.text(o.case_id::text), 'at', audit.text(ops.utc(now()))) ORDER BY o.subject_id) AS bodies
  INTO closed FROM overtaken o;
  IF closed.batches IS NOT NULL THEN
    UPDATE review.batch_item x SET state = 'overtaken' WHERE x.batch_id = ANY (closed.batches) AND x.state = 'asked';
    PERFORM audit.append_many('path', closed.subjects, closed.bodies);
    PERFORM pg_notify('backoffice_review', '0');
  END IF;
END $$;

-- Why may this person take nothing out of this batch? Whoever may refuse it may, and also who may not because of a part in one of its
-- entries: that one goes out, and the rest can be signed.
CREATE OR REPLACE FUNCTION review.why_nothing_taken_out(person_in text, case_in bigint) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (SELECT CASE WHEN j.kind NOT IN ('own_order', 'own_part', 'substitute_of_party', 'for_a_party', 'first_answer', 'their_answer') THEN j.reason END
          FROM review.judge(person_in, ARRAY[case_in], 'reject') j);
END $$;

-- Take single items out of a batch, with a reason. They are held and become cases of their own; who signs sees the totals of the rest.
-- Nothing is signed by this: what was said about the batch as it was counts no more.
CREATE OR REPLACE FUNCTION review.take_out_of_batch(case_in bigint, system_in text, user_in text, items integer[], reason_in text, evidence_in bytea, key_in text, sealed_in text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE person review.person := review.person_behind(system_in, user_in); k review.case := review.case_in_hand(case_in, person.person_id);
  again bigint := review.act_again(key_in, case_in, person.person_id, 'take_out', reason_in); refused text; wrong text; shown record;
  chosen integer[] := ARRAY(SELECT DISTINCT i FROM unnest(items) AS i WHERE i IS NOT NULL ORDER BY i);
BEGIN
  IF again IS NOT NULL THEN
    IF ARRAY(SELECT x.item_no FROM review.batch_item x WHERE x.taken_out_by = again ORDER BY x.item_no) <> chosen THEN
      PERFORM review.refuse('BO409', 'this idempotency key was used for other items');
    END IF;
    RETURN review.batch_answer(case_in, again);
  END IF;
  PERFORM review.check_alive(k);
  IF k.subject_kind <> 'batch_signoff' THEN
    PERFORM review.refuse('BO422', format('case %s is no batch; there is nothing to take out', case_in));
  END IF;
  PERFORM review.check_claim(k, person.person_id);
  PERFORM review.check_words(reason_in, 'reason');
  refused := review.why_nothing_taken_out(person.person_id, case_in);
  IF refused IS NOT NULL THEN
    PERFORM review.refuse('BO403', refused);
  ELSIF k.evidence_hash IS DISTINCT FROM evidence_in THEN
    PERFORM review.refuse('BO409', format('batch %s is not what was shown: something was taken out meanwhile; look at it again', k.subject_id));
  ELSIF chosen = '{}' THEN
    RAISE EXCEPTION 'choose at least one item' USING ERRCODE = 'BO422', COLUMN = 'items';
  END IF;
  SELECT string_agg(c::text, ', ' ORDER BY c) INTO wrong FROM unnest(chosen) AS c WHERE NOT EXISTS (SELECT FROM review.batch_item x WHERE x.batch_id = k.subject_id AND x.item_no = c AND x.state = 'asked');
  IF wrong IS NOT NULL THEN
    RAISE EXCEPTION '%', format('not in this batch, or taken out already: %s', wrong) USING ERRCODE = 'BO422', COLUMN = 'items';
  ELSIF cardinality(chosen) = (SELECT count(*) FROM review.batch_item x WHERE x.batch_id = k.subject_id AND x.state = 'asked') THEN
    RAISE EXCEPTION 'nothing would be left to sign; refuse the batch instead' USING ERRCODE = 'BO422', COLUMN = 'items';
  END IF;
  again := review.enter_act(k, person.person_id, system_in || ':' || user_in, 'take_out', reason_in, key_in, sealed_in, items_in => chosen);
  UPDATE review.batch_item x SET state = 'taken_out', taken_out_by = again WHERE x.batch_id = k.subject_id AND x.item_no = ANY (chosen);
  SELECT * INTO shown FROM review.describe_batch(k.subject_id);
  UPDATE review.case c SET title = shown.title, amount = shown.amount, currency = shown.currency, evidence_hash = shown.evidence, handover = c.handover || shown.handover, state = 'open'
  WHERE c.case_id = case_in;
  RETURN review.batch_answer(case_in, again);
END $$;

-- What a program is told of a batch after an act on it: where its case stands, and the totals that are signed for now.
CREATE OR REPLACE FUNCTION review.batch_answer(case_in bigint, act_in bigint) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (SELECT review.case_answer(case_in, act_in) || jsonb_build_object('evidence_hash', encode(c.evidence_hash, 'hex'), 'items', c.handover #> '{batch,items}',
    'taken_out', c.handover #> '{batch,taken_out}', 'totals', c.handover #> '{batch,totals}') FROM review.case c WHERE c.case_id = case_in);
END $$;

-- Enter what became of the asked items of a decided batch. Stale when one of them changed since it was signed.
CREATE OR REPLACE FUNCTION review.settle_batch(answer_in bigint, run_in bigint) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE a review.answer; k review.case;
BEGIN
  SELECT * INTO STRICT a FROM review.answer n WHERE n.answer_id = answer_in;
  SELECT * INTO STRICT k FROM review.case c WHERE c.case_id = a.case_id;
  IF review.batch_sha256(k.subject_id, true) <> a.evidence_hash OR EXISTS (SELECT FROM review.batch_changes(k.subject_id)) THEN
    RETURN 'stale';
  ELSIF a.action = 'accept' THEN
    UPDATE review.batch_item x SET state = 'signed', settled_run = run_in WHERE x.batch_id = k.subject_id AND x.state = 'asked';
    PERFORM review.record_items(ARRAY(SELECT x FROM review.batch_item x WHERE x.batch_id = k.subject_id AND x.state = 'signed'));
    RETURN 'accepted';
  END IF;
  UPDATE review.batch_item x SET state = 'refused' WHERE x.batch_id = k.subject_id AND x.state = 'asked';
  RETURN 'rejected';
END $$;

-- One record per item whose end is acted on, in the item's own history.
CREATE OR REPLACE FUNCTION review.record_items(items review.batch_item[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE subjects text[]; bodies text[];
BEGIN
  SELECT array_agg('invoice:' || x.subject_key ORDER BY x.batch_id, x.item_no), array_agg(audit.object('step', audit.text('item of a batch'), 'outcome', audit.text(x.state),
      'batch_id', audit.text(x.batch_id::text), 'item_no', audit.text(x.item_no::text), 'case_id', audit.text(c.case_id::text), 'amount', audit.number(x.amount), 'currency', audit.text(x.currency),
      'evidence_sha256', audit.text(encode(x.evidence_hash, 'hex')), 'run_id', audit.text(x.settled_run::text), 'at', audit.text(ops.utc(now()))) ORDER BY x.batch_id, x.item_no)
  INTO subjects, bodies FROM unnest(items) AS x JOIN review.case c ON c.subject_kind = 'batch_signoff' AND c.subject_id = x.batch_id;
  IF subjects IS NOT NULL THEN PERFORM audit.append_many('path', subjects, bodies); END IF;
END $$;

-- Hold what people took out of a batch or refused with it: each becomes a case of its own (review.open_cases). Run again it finds nothing.
CREATE OR REPLACE FUNCTION review.hold_taken_out(run_in bigint, process_in text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE items review.batch_item[]; held bigint[];
BEGIN
  WITH settled AS (
    UPDATE review.batch_item x SET settled_run = run_in FROM review.batch b
    WHERE b.batch_id = x.batch_id AND b.process = process_in AND x.state IN ('taken_out', 'refused') AND x.settled_run IS NULL RETURNING x
  )
  SELECT array_agg(s.x) INTO items FROM settled s;
  IF items IS NULL THEN RETURN 0; END IF;
  PERFORM review.record_items(items);
  WITH raised AS (
    INSERT INTO ledger.hold (invoice_id, code, effect, scope, facts, evidence_hash, rule_sha256, opened_run)
    SELECT i.invoice_id, c.code, c.effect, i.entity, jsonb_build_object('batch', x.batch_id::text, 'how', CASE x.state WHEN 'refused' THEN 'refused with' ELSE 'taken out of' END), x.evidence_hash, '', run_in
    FROM unnest(items) AS x JOIN purchasing.invoice i ON x.item_kind = 'posting' AND i.invoice_id = x.subject_id JOIN ledger.hold_code c ON c.code = 'TAKEN_OUT'
    JOIN ledger.invoice_status st ON st.invoice_id = i.invoice_id AND st.booking_no IS NULL AND st.state <> 'rejected'
    WHERE NOT EXISTS (SELECT FROM ledger.hold h WHERE h.invoice_id = i.invoice_id AND h.code = 'TAKEN_OUT' AND h.released_at IS NULL)
    ORDER BY x.batch_id, x.item_no RETURNING invoice_id
  )
  SELECT array_agg(r.invoice_id) INTO held FROM raised r;
  UPDATE ledger.invoice_status st SET state = 'held' WHERE st.invoice_id = ANY (held) AND st.state IN ('matched', 'waiting_receipt');
  UPDATE ledger.line_state ls SET state = 'held', run_id = run_in
  FROM purchasing.invoice_line l WHERE l.invoice_id = ANY (held) AND ls.invoice_line_id = l.invoice_line_id AND ls.state NOT IN ('held', 'waiting_source');
  RETURN coalesce(cardinality(held), 0);
END $$;

-- Book what was signed in this run, and nothing but what could be booked by the machine now: a signature adds to a decision and
-- replaces none.
CREATE OR REPLACE FUNCTION ledger.post_signed(run_in bigint, process_in text) RETURNS bigint
LANGUAGE plpgsql SET search_path = ledger, purchasing, pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE entries bigint;
BEGIN
  PERFORM fill_work_booking(process_in);
  DELETE FROM work_booking b WHERE NOT EXISTS (
    SELECT FROM review.batch_item x WHERE x.item_kind = 'posting' AND x.subject_id = b.invoice_id AND x.state = 'signed' AND x.settled_run = run_in);
  entries := book_invoices(run_in);
  PERFORM settle_blocks(run_in);
  RETURN entries;
END $$;
