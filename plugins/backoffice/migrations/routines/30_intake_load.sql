CREATE OR REPLACE FUNCTION intake.open_load(run_in bigint, source_in text, dataset_in text, parser_in text, profile_in text,
                                            advances_in boolean, OUT load_id bigint, OUT window_from timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  -- two attempts at the same load of the same run wait for each other; the later one supersedes
  PERFORM pg_advisory_xact_lock(hashtextextended(format('backoffice:load:%s:%s:%s', run_in, source_in, dataset_in), 0));
  UPDATE intake.load l SET state = 'superseded'
  WHERE l.run_id = run_in AND l.source = source_in AND l.dataset = dataset_in AND l.state IN ('reading', 'read', 'gated', 'refused');
  IF advances_in THEN
    -- overlap: what became visible late at the source is read again and found known
    SELECT w.high_water - interval '15 minutes' INTO window_from FROM intake.watermark w WHERE w.source = source_in AND w.dataset = dataset_in;
  END IF;
  INSERT INTO intake.load (run_id, source, dataset, parser, profile, window_from, advances_watermark)
  VALUES (run_in, source_in, dataset_in, parser_in, profile_in, open_load.window_from, advances_in)
  RETURNING load.load_id INTO load_id;
END $$;

CREATE OR REPLACE FUNCTION intake.finish_load(load_in bigint, until_in timestamptz, count_in bigint, amount_in numeric) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE loaded intake.load; counted bigint; summed numeric; unknown bigint;
BEGIN
  SELECT * INTO STRICT loaded FROM intake.load l WHERE l.load_id = load_in FOR UPDATE;
  IF loaded.state <> 'reading' THEN
    RAISE EXCEPTION 'load % is % and takes no more rows', load_in, loaded.state USING ERRCODE = 'BO409';
  END IF;
  EXECUTE format('SELECT count(*), coalesce(sum(control_amount), 0), count(*) FILTER (WHERE control_amount IS NULL) FROM intake.%I WHERE load_id = $1',
                 CASE loaded.dataset WHEN 'suppliers' THEN 'stage_supplier' WHEN 'orders' THEN 'stage_order_line'
                                     WHEN 'receipts' THEN 'stage_receipt_line' ELSE 'stage_invoice' END)
  INTO counted, summed, unknown USING load_in;
  IF count_in IS NOT NULL AND count_in <> counted THEN
    RAISE EXCEPTION 'control total of % from % does not tie: the source counts % records, % were read; nothing was kept, read again',
      loaded.dataset, loaded.source, count_in, counted USING ERRCODE = 'BO500';
  END IF;
  IF amount_in IS NOT NULL AND unknown = 0 AND amount_in <> summed THEN
    RAISE EXCEPTION 'control total of % from % does not tie: the source sums to %, the records read to %; nothing was kept, read again',
      loaded.dataset, loaded.source, amount_in, summed USING ERRCODE = 'BO500';
  END IF;
  -- the gate's and the accept function's plans depend on knowing how much was staged
  CASE loaded.dataset
    WHEN 'suppliers' THEN ANALYZE intake.stage_supplier;
    WHEN 'orders' THEN ANALYZE intake.stage_order_line;
    WHEN 'receipts' THEN ANALYZE intake.stage_receipt_line;
    ELSE ANALYZE intake.stage_invoice, intake.stage_invoice_line, intake.stage_invoice_tax;
  END CASE;
  UPDATE intake.load l SET state = 'read', read_at = now(), window_until = until_in, source_count = count_in, source_amount = amount_in,
    received_count = counted, received_amount = summed, received_unknown = unknown
  WHERE l.load_id = load_in;
END $$;

-- A gate begins: what an earlier gate of this load found is forgotten and found anew, from the facts as they are now.
-- Until the gate has ended well the load is not gated, so a gate that dies or refuses leaves nothing to accept.
CREATE OR REPLACE FUNCTION intake.begin_gate(load_in bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE intake.load l SET state = 'read', gate = NULL WHERE l.load_id = load_in AND l.state IN ('read', 'gated');
  IF NOT FOUND THEN
    RAISE EXCEPTION 'load % is not waiting for a gate', load_in USING ERRCODE = 'BO409';
  END IF;
  DELETE FROM intake.finding f WHERE f.load_id = load_in;
END $$;

CREATE OR REPLACE FUNCTION intake.mark_gated(load_in bigint, gate_in jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  UPDATE intake.load l SET state = 'gated', gate = gate_in WHERE l.load_id = load_in AND l.state IN ('read', 'gated');
  IF NOT FOUND THEN
    RAISE EXCEPTION 'load % is not waiting for a gate', load_in USING ERRCODE = 'BO409';
  END IF;
END $$;

-- repetition > 1: the same content again in one load.
-- What becomes of each staged row: already known, quarantined or accepted.
CREATE OR REPLACE VIEW intake.disposition_suppliers AS
SELECT s.*, CASE
  WHEN EXISTS (SELECT FROM purchasing.supplier k WHERE k.supplier_id = s.supplier_id AND k.content_hash = s.content_hash)
    OR EXISTS (SELECT FROM intake.quarantine q WHERE q.dataset = 'suppliers' AND q.content_hash = s.content_hash AND q.state <> 'reread' AND q.load_id <> s.load_id)
    OR s.repetition > 1 THEN 'known'
  WHEN EXISTS (SELECT FROM intake.finding f WHERE f.load_id = s.load_id AND f.dataset = 'suppliers' AND f.row_no = s.row_no AND f.severity = 'quarantine') THEN 'quarantined'
  ELSE 'accepted' END AS disposition
FROM (SELECT t.*, row_number() OVER (PARTITION BY t.load_id, t.content_hash ORDER BY t.row_no) AS repetition FROM intake.stage_supplier t) s;

CREATE OR REPLACE VIEW intake.disposition_orders AS
SELECT s.*, CASE
  WHEN EXISTS (SELECT FROM purchasing.order_line k WHERE k.entity = s.entity AND k.po_number = s.po_number AND k.po_line = s.po_line AND k.content_hash = s.content_hash)
    OR EXISTS (SELECT FROM intake.quarantine q WHERE q.dataset = 'orders' AND q.content_hash = s.content_hash AND q.state <> 'reread' AND q.load_id <> s.load_id)
    OR s.repetition > 1 THEN 'known'
  WHEN EXISTS (SELECT FROM intake.finding f WHERE f.load_id = s.load_id AND f.dataset = 'orders' AND f.row_no = s.row_no AND f.severity = 'quarantine') THEN 'quarantined'
  ELSE 'accepted' END AS disposition
FROM (SELECT t.*, row_number() OVER (PARTITION BY t.load_id, t.content_hash ORDER BY t.row_no) AS repetition FROM intake.stage_order_line t) s;

CREATE OR REPLACE VIEW intake.disposition_receipts AS
SELECT s.*, CASE
  WHEN EXISTS (SELECT FROM purchasing.receipt_line k WHERE k.entity = s.entity AND k.receipt_number = s.receipt_number AND k.receipt_line = s.receipt_line AND k.content_hash = s.content_hash)
    OR EXISTS (SELECT FROM intake.quarantine q WHERE q.dataset = 'receipts' AND q.content_hash = s.content_hash AND q.state <> 'reread' AND q.load_id <> s.load_id)
    OR s.repetition > 1 THEN 'known'
  WHEN EXISTS (SELECT FROM intake.finding f WHERE f.load_id = s.load_id AND f.dataset = 'receipts' AND f.row_no = s.row_no AND f.severity = 'quarantine') THEN 'quarantined'
  ELSE 'accepted' END AS disposition
FROM (SELECT t.*, row_number() OVER (PARTITION BY t.load_id, t.content_hash ORDER BY t.row_no) AS repetition,
        min(encode(t.content_hash, 'hex')) OVER same_line <> max(encode(t.content_hash, 'hex')) OVER same_line AS contradicted
      FROM intake.stage_receipt_line t
      WINDOW same_line AS (PARTITION BY t.load_id, t.entity, t.receipt_number, t.receipt_line)) s;

-- A finding on a line or a tax row quarantines its whole document: half an invoice is never booked.
CREATE OR REPLACE VIEW intake.disposition_invoices AS
SELECT s.*, CASE
  WHEN EXISTS (SELECT FROM purchasing.invoice k WHERE k.content_hash = s.content_hash)
    OR EXISTS (SELECT FROM intake.quarantine q WHERE q.dataset = 'invoices' AND q.content_hash = s.content_hash AND q.state <> 'reread' AND q.load_id <> s.load_id)
    OR s.repetition > 1 THEN 'known'
  WHEN EXISTS (SELECT FROM intake.finding f WHERE f.load_id = s.load_id AND f.dataset = 'invoices' AND f.row_no = s.row_no AND f.severity = 'quarantine')
    OR EXISTS (SELECT FROM intake.finding f JOIN intake.stage_invoice_line l ON l.load_id = f.load_id AND l.row_no = f.row_no
               WHERE f.load_id = s.load_id AND f.dataset = 'invoice_lines' AND f.severity = 'quarantine' AND l.invoice_row_no = s.row_no)
    OR EXISTS (SELECT FROM intake.finding f JOIN intake.stage_invoice_tax x ON x.load_id = f.load_id AND x.row_no = f.row_no
               WHERE f.load_id = s.load_id AND f.dataset = 'invoice_taxes' AND f.severity = 'quarantine' AND x.invoice_row_no = s.row_no) THEN 'quarantined'
  ELSE 'accepted' END AS disposition
FROM (SELECT t.*, row_number() OVER (PARTITION BY t.load_id, t.content_hash ORDER BY t.row_no) AS repetition FROM intake.stage_invoice t) s;

CREATE OR REPLACE FUNCTION intake.this_load() RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN nullif(current_setting('backoffice.load_id', true), '')::bigint;

-- What a gate looks at: exactly this load's rows that are not known already, with what a check needs to know about them.
CREATE OR REPLACE VIEW intake.gate_suppliers AS
SELECT d.* FROM intake.disposition_suppliers d WHERE d.load_id = intake.this_load() AND d.disposition <> 'known';

CREATE OR REPLACE VIEW intake.gate_orders AS
SELECT d.*, EXISTS (SELECT FROM ops.entity e WHERE e.entity = d.entity) AS entity_known, ops.business_date(d.entity) AS business_date
FROM intake.disposition_orders d WHERE d.load_id = intake.this_load() AND d.disposition <> 'known';

CREATE OR REPLACE VIEW intake.gate_receipts AS
SELECT d.*, EXISTS (SELECT FROM ops.entity e WHERE e.entity = d.entity) AS entity_known, ops.business_date(d.entity) AS business_date,
  EXISTS (SELECT FROM purchasing.receipt_line k WHERE k.entity = d.entity AND k.receipt_number = d.receipt_number
            AND k.receipt_line = d.receipt_line AND k.content_hash <> d.content_hash)
    OR d.contradicted AND d.receipt_number IS NOT NULL AND d.receipt_line IS NOT NULL AS conflicts_with_accepted,
  d.reverses_number IS NOT NULL AND NOT EXISTS (SELECT FROM purchasing.receipt_line k WHERE k.entity = d.entity
            AND k.receipt_number = d.reverses_number AND k.receipt_line = d.reverses_line)
    AND NOT EXISTS (SELECT FROM intake.stage_receipt_line t WHERE t.load_id = d.load_id AND t.receipt_number = d.reverses_number
            AND t.receipt_line = d.reverses_line) AS reverses_unknown,
  EXISTS (SELECT FROM purchasing.order_line o WHERE o.entity = d.entity AND o.po_number = d.po_number AND o.po_line_key = ltrim(d.po_line, '0'))
    OR EXISTS (SELECT FROM intake.stage_order_line o JOIN intake.load ol ON ol.load_id = o.load_id JOIN intake.load rl ON rl.load_id = d.load_id
               WHERE ol.run_id = rl.run_id AND ol.state IN ('read', 'gated') AND o.entity = d.entity AND o.po_number = d.po_number
                 AND ltrim(o.po_line, '0') = ltrim(d.po_line, '0')) AS order_known,
  -- a complete extract must carry the order of each of its receipts; a live warehouse may be ahead of the ERP
  (SELECT l.profile IS NOT NULL FROM intake.load l WHERE l.load_id = d.load_id) AS order_required
FROM intake.disposition_receipts d WHERE d.load_id = intake.this_load() AND d.disposition <> 'known';

CREATE OR REPLACE VIEW intake.gate_invoices AS
SELECT d.*, EXISTS (SELECT FROM ops.entity e WHERE e.entity = d.entity) AS entity_known,
  coalesce(ops.business_date(d.entity), (now() AT TIME ZONE 'UTC')::date) AS business_date,
  (SELECT count(*) FROM intake.stage_invoice_line l WHERE l.load_id = d.load_id AND l.invoice_row_no = d.row_no) AS line_count_staged
FROM intake.disposition_invoices d WHERE d.load_id = intake.this_load() AND d.disposition <> 'known';

CREATE OR REPLACE VIEW intake.gate_invoice_lines AS
SELECT l.* FROM intake.stage_invoice_line l
JOIN intake.disposition_invoices d ON d.load_id = l.load_id AND d.row_no = l.invoice_row_no
WHERE l.load_id = intake.this_load() AND d.load_id = intake.this_load() AND d.disposition <> 'known';

CREATE OR REPLACE VIEW intake.gate_invoice_taxes AS
SELECT x.* FROM intake.stage_invoice_tax x
JOIN intake.disposition_invoices d ON d.load_id = x.load_id AND d.row_no = x.invoice_row_no
WHERE x.load_id = intake.this_load() AND d.load_id = intake.this_load() AND d.disposition <> 'known';
