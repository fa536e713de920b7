CREATE OR REPLACE FUNCTION intake.reason_not_countable() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN 'The receipt cannot be counted in the unit of its order: there is no factor between the units, or the result is not exact to four decimals.';

-- Between gate and acceptance another run may have accepted something, and tonight's orders may be new: what depends on it
-- is judged once more, by the gate's own conditions, on the rows that would be accepted.
CREATE OR REPLACE FUNCTION intake.judge_again(load_in bigint, dataset_in text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM set_config('backoffice.load_id', load_in::text, true);
  IF dataset_in = 'receipts' THEN
    INSERT INTO intake.finding (load_id, dataset, row_no, check_id, severity, reason, field, value)
    SELECT this_row.load_id, dataset_in, this_row.row_no, 'receipt_changed', 'quarantine',
      'This receipt line was recorded before with other content: a receipt is corrected by a reversal, never changed.', 'receipt_number', left(this_row.receipt_number, 200)
    FROM intake.gate_receipts AS this_row WHERE this_row.disposition = 'accepted' AND (
{{ include: checks/receipt_changed }}
    ) ON CONFLICT DO NOTHING;
    INSERT INTO intake.finding (load_id, dataset, row_no, check_id, severity, reason, field, value)
    SELECT this_row.load_id, dataset_in, this_row.row_no, 'unit_not_countable', 'quarantine', intake.reason_not_countable(), 'uom', left(this_row.uom, 200)
    FROM intake.gate_receipts AS this_row WHERE this_row.disposition = 'accepted' AND (
{{ include: checks/unit_not_countable }}
    ) ON CONFLICT DO NOTHING;
  ELSIF dataset_in = 'orders' THEN
    INSERT INTO intake.finding (load_id, dataset, row_no, check_id, severity, reason, field, value)
    SELECT this_row.load_id, dataset_in, this_row.row_no, 'po_line_spelled_twice', 'quarantine',
      'This order line is known under another spelling of its line number (as 10 and 00010): invoices would find two order lines where there is one.', 'po_line', left(this_row.po_line, 200)
    FROM intake.gate_orders AS this_row WHERE this_row.disposition = 'accepted' AND (
{{ include: checks/po_line_spelled_twice }}
    ) ON CONFLICT DO NOTHING;
    INSERT INTO intake.finding (load_id, dataset, row_no, check_id, severity, reason, field, value)
    SELECT this_row.load_id, dataset_in, this_row.row_no, 'unit_changed', 'quarantine',
      'The order line changes its unit although goods were received in the one before.', 'uom', left(this_row.uom, 200)
    FROM intake.gate_orders AS this_row WHERE this_row.disposition = 'accepted' AND (
{{ include: checks/order_unit_changed }}
    ) ON CONFLICT DO NOTHING;
  END IF;
END $$;

CREATE OR REPLACE FUNCTION intake.checks_of(findings jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN (SELECT array_agg(DISTINCT f ->> 'check_id' ORDER BY f ->> 'check_id') FROM jsonb_array_elements(findings) AS f);

-- Rows set aside go along in full, with every finding on them or on their lines and tax rows. The same content set aside by
-- the same checks is the same case: it is counted, and its latest reading (a corrected envelope) is kept. By other checks it
-- is a new case.
CREATE OR REPLACE FUNCTION intake.quarantine_rows(load_in bigint, dataset_in text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  EXECUTE format($q$
    WITH refused AS MATERIALIZED (
      SELECT d.load_id, l.source, l.dataset, d.row_no, d.document_id, d.content_hash,
             coalesce(to_jsonb(d) ->> 'invoice_number', to_jsonb(d) ->> 'receipt_number', to_jsonb(d) ->> 'po_number', to_jsonb(d) ->> 'supplier_id', to_jsonb(d) ->> 'filename') AS business_key,
             (SELECT coalesce(jsonb_agg(jsonb_build_object('check_id', f.check_id, 'reason', f.reason, 'field', f.field, 'value', f.value) ORDER BY f.dataset, f.row_no, f.check_id), '[]')
              FROM intake.finding f WHERE f.load_id = d.load_id AND f.severity = 'quarantine' AND (
                (f.dataset = l.dataset AND f.row_no = d.row_no)
                OR (l.dataset = 'invoices' AND f.dataset = 'invoice_lines' AND EXISTS (SELECT FROM intake.stage_invoice_line x WHERE x.load_id = d.load_id AND x.row_no = f.row_no AND x.invoice_row_no = d.row_no))
                OR (l.dataset = 'invoices' AND f.dataset = 'invoice_taxes' AND EXISTS (SELECT FROM intake.stage_invoice_tax x WHERE x.load_id = d.load_id AND x.row_no = f.row_no AND x.invoice_row_no = d.row_no)))) AS findings,
             to_jsonb(d) - 'disposition' - 'repetition' - 'contradicted' - 'found' - 'settled' - 'content_hash' AS row_content
      FROM intake.%I d JOIN intake.load l ON l.load_id = d.load_id
      WHERE d.load_id = $1 AND d.disposition = 'quarantined'
    ), standing AS (
      SELECT max(q.quarantine_id) AS quarantine_id, r.row_no FROM refused r
      JOIN intake.quarantine q ON q.dataset = r.dataset AND q.content_hash = r.content_hash AND q.state IN ('open', 'asked') GROUP BY r.row_no
    ), repeated AS (
      UPDATE intake.quarantine q SET load_id = r.load_id, row_no = r.row_no, document_id = r.document_id, business_key = r.business_key, findings = r.findings,
        row_content = r.row_content, times = q.times + 1, last_seen_at = now()
      FROM standing s JOIN refused r ON r.row_no = s.row_no
      WHERE q.quarantine_id = s.quarantine_id AND intake.checks_of(q.findings) IS NOT DISTINCT FROM intake.checks_of(r.findings) RETURNING r.row_no
    ), replaced AS (
      UPDATE intake.quarantine q SET state = 'superseded', settled_at = now()
      FROM standing s JOIN refused r ON r.row_no = s.row_no
      WHERE q.quarantine_id = s.quarantine_id AND intake.checks_of(q.findings) IS DISTINCT FROM intake.checks_of(r.findings)
    )
    INSERT INTO intake.quarantine (load_id, source, dataset, row_no, document_id, content_hash, business_key, findings, row_content)
    SELECT r.load_id, r.source, r.dataset, r.row_no, r.document_id, r.content_hash, r.business_key, r.findings, r.row_content FROM refused r
    WHERE r.row_no NOT IN (SELECT p.row_no FROM repeated p) $q$, 'disposition_' || dataset_in) USING load_in;
END $$;

-- When the source says that a quarantined row was changed; a moment that has not come yet says nothing.
CREATE OR REPLACE FUNCTION intake.changed_at(row_content jsonb) RETURNS timestamptz
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT at FROM (SELECT (row_content ->> 'updated_at')::timestamptz AS at) AS said WHERE at <= ops.latest_moment();
END;

-- What stood in quarantine and passes in this load is accepted; what the source sent anew is superseded by it, whether that
-- passes or not, unless the source says itself that it is older.
CREATE OR REPLACE FUNCTION intake.settle_quarantine(load_in bigint, dataset_in text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM intake.quarantine q WHERE q.dataset = dataset_in AND q.state IN ('open', 'asked', 'reread')) THEN
    RETURN;
  END IF;
  EXECUTE format($q$
    UPDATE intake.quarantine q SET state = 'accepted', settled_at = now() FROM intake.%I d
    WHERE d.load_id = $1 AND d.disposition = 'accepted' AND q.dataset = $2 AND q.content_hash = d.content_hash AND q.state IN ('open', 'asked', 'reread') $q$,
    'disposition_' || dataset_in) USING load_in, dataset_in;
  EXECUTE format($q$
    UPDATE intake.quarantine q SET state = 'superseded', settled_at = now() FROM intake.%1$I d
    WHERE d.load_id = $1 AND q.dataset = $2 AND q.state = 'open' AND q.content_hash <> d.content_hash AND %2$s
      AND NOT EXISTS (SELECT FROM intake.%1$I t WHERE t.load_id = $1 AND t.content_hash = q.content_hash)
      AND (d.updated_at < intake.changed_at(q.row_content)) IS NOT TRUE $q$,
    intake.stage_table(dataset_in), intake.same_record(dataset_in)) USING load_in, dataset_in;
END $$;

-- An order line is doubtful while a version of it that is not older stands in quarantine. Of a version whose company or line
-- cannot be read, every line is doubtful that it may mean. Its invoices are looked at again when that changes.
CREATE OR REPLACE FUNCTION intake.mark_doubtful() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE changed bigint[];
BEGIN
  WITH doubted AS (
    SELECT DISTINCT o.order_line_id FROM intake.quarantine q JOIN purchasing.order_line o ON o.po_number = q.row_content ->> 'po_number'
      AND o.entity = coalesce(q.row_content ->> 'entity', o.entity) AND o.po_line_key = coalesce(ltrim(q.row_content ->> 'po_line', '0'), o.po_line_key)
    WHERE q.dataset = 'orders' AND q.state = 'open'
      AND (intake.changed_at(q.row_content) < o.source_updated_at) IS NOT TRUE AND ((q.row_content ->> 'version')::integer < o.version) IS NOT TRUE
  ), turned AS (
    UPDATE purchasing.order_line o SET doubtful = NOT o.doubtful
    FROM (SELECT c.order_line_id FROM purchasing.order_line c WHERE c.doubtful UNION SELECT d.order_line_id FROM doubted d) AS either
    WHERE o.order_line_id = either.order_line_id AND o.doubtful <> EXISTS (SELECT FROM doubted d WHERE d.order_line_id = o.order_line_id)
    RETURNING o.order_line_id
  )
  SELECT array_agg(t.order_line_id) INTO changed FROM turned t;
  PERFORM intake.queue_order_lines(changed);
END $$;

-- The case of a document that passed after all, or came again with other findings, has nothing left to decide; one whose
-- document came again as it was shows its latest reading.
CREATE OR REPLACE FUNCTION intake.close_settled_cases(process_in text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE closed bigint;
BEGIN
  UPDATE review.case c SET handover = review.quarantine_handover(c.subject_id)
  FROM intake.quarantine q WHERE c.process = process_in AND c.subject_kind = 'quarantine' AND c.subject_id = q.quarantine_id AND c.state IN ('open', 'half_decided')
    AND q.state IN ('open', 'asked') AND q.times > 1 AND c.handover <> review.quarantine_handover(c.subject_id);
  WITH finished AS (
    UPDATE review.case c SET state = 'superseded', closed_at = now()
    FROM intake.quarantine q WHERE c.process = process_in AND c.subject_kind = 'quarantine' AND c.subject_id = q.quarantine_id AND c.state IN ('open', 'half_decided')
      AND q.state IN ('accepted', 'superseded')
    RETURNING c.case_id, c.subject_key, c.role
  ), items AS (
    UPDATE review.case_item x SET settled_at = now(), settled_by = 'facts' FROM finished f WHERE x.case_id = f.case_id AND x.settled_at IS NULL
  ), recorded AS (
    SELECT count(*) AS n, array_agg('document:' || f.subject_key ORDER BY f.subject_key, f.case_id) AS subjects,
           array_agg(audit.object('step', audit.text('case superseded by facts'), 'role', audit.text(f.role), 'case_id', audit.text(f.case_id::text), 'at', audit.text(ops.utc(now()))) ORDER BY f.subject_key, f.case_id) AS bodies
    FROM finished f
  )
  SELECT r.n INTO closed FROM recorded r LEFT JOIN LATERAL (SELECT audit.append_many('path', r.subjects, r.bodies) WHERE r.n > 0) AS done(ok) ON true;
  PERFORM pg_notify('backoffice_review', '0') WHERE closed > 0;
END $$;

-- What still stands in quarantine, whenever it came: by dataset and first reason, with the day since when the oldest waits.
CREATE OR REPLACE FUNCTION intake.open_quarantine() RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(jsonb_agg(jsonb_build_object('dataset', o.dataset, 'reason', o.reason, 'count', o.n, 'oldest_days', o.days) ORDER BY o.dataset, o.reason), '[]')
  FROM (SELECT q.dataset, coalesce(q.findings -> 0 ->> 'reason', 'not readable') AS reason, count(*) AS n, current_date - min(q.quarantined_at)::date AS days
        FROM intake.quarantine q WHERE q.state IN ('open', 'asked') GROUP BY 1, 2) o
$$;
