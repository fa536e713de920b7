DROP FUNCTION IF EXISTS intake.open_load(bigint, text, text, text, text, boolean);
-- complete: everything that the source has is read, as of a folder.
CREATE OR REPLACE FUNCTION intake.open_load(run_in bigint, source_in text, dataset_in text, parser_in text, profile_in text,
                                            advances_in boolean, complete_in boolean DEFAULT false, OUT load_id bigint, OUT window_from timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  -- two attempts at the same load of the same run wait for each other; the later one supersedes
  PERFORM pg_advisory_xact_lock(hashtextextended(format('backoffice:load:%s:%s:%s', run_in, source_in, dataset_in), 0));
  UPDATE intake.load l SET state = 'superseded'
  WHERE l.run_id = run_in AND l.source = source_in AND l.dataset = dataset_in AND l.state IN ('reading', 'read', 'gated', 'refused');
  IF advances_in THEN
    -- overlap: what became visible late at the source is read again and found known. A watermark that a wrong clock moved
    -- into the future is none: the source is asked from when that load began.
    SELECT CASE WHEN w.high_water <= ops.latest_moment() THEN w.high_water ELSE l.started_at END - interval '15 minutes' INTO window_from
    FROM intake.watermark w LEFT JOIN intake.load l ON l.load_id = w.load_id WHERE w.source = source_in AND w.dataset = dataset_in;
  END IF;
  INSERT INTO intake.load (run_id, source, dataset, parser, profile, window_from, advances_watermark, complete)
  VALUES (run_in, source_in, dataset_in, parser_in, profile_in, open_load.window_from, advances_in, complete_in)
  RETURNING load.load_id INTO load_id;
END $$;

CREATE OR REPLACE FUNCTION intake.stage_table(dataset_in text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN CASE dataset_in WHEN 'suppliers' THEN 'stage_supplier' WHEN 'orders' THEN 'stage_order_line'
                       WHEN 'receipts' THEN 'stage_receipt_line' ELSE 'stage_invoice' END;

-- SQL: the staged row d is the record of which the quarantined row q is a version.
CREATE OR REPLACE FUNCTION intake.same_record(dataset_in text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN CASE dataset_in
  WHEN 'suppliers' THEN $$ d.supplier_id = q.row_content ->> 'supplier_id' $$
  WHEN 'orders' THEN $$ d.entity = q.row_content ->> 'entity' AND d.po_number = q.row_content ->> 'po_number' AND ltrim(d.po_line, '0') = ltrim(q.row_content ->> 'po_line', '0') $$
  WHEN 'receipts' THEN $$ d.entity = q.row_content ->> 'entity' AND d.receipt_number = q.row_content ->> 'receipt_number' AND d.receipt_line = q.row_content ->> 'receipt_line' $$
  ELSE 'false' END;

-- Master data in quarantine is judged again each night although its source does not send it again: its company may be set
-- up by now, its date reached, its order there. Not what could not be read, and not what the source sent anew tonight.
CREATE OR REPLACE FUNCTION intake.stage_quarantined(loaded intake.load) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE staged bigint;
BEGIN
  EXECUTE format($q$
    INSERT INTO intake.%1$I
    SELECT (jsonb_populate_record(NULL::intake.%1$I, q.row_content || jsonb_build_object('load_id', $1, 'content_hash', q.content_hash,
              'row_no', last_row.n + row_number() OVER (ORDER BY q.quarantine_id)))).*
    FROM intake.quarantine q CROSS JOIN (SELECT coalesce(max(t.row_no), 0) AS n FROM intake.%1$I t WHERE t.load_id = $1) AS last_row
    WHERE q.dataset = $2 AND q.source = $3 AND q.state = 'open' AND q.row_content ->> 'defects' IS NULL
      AND NOT EXISTS (SELECT FROM intake.%1$I d WHERE d.load_id = $1 AND (d.content_hash = q.content_hash OR %2$s))
      -- a receipt that was accepted and found its order in another unit waits for a factor, not for a gate
      AND ($2 <> 'receipts' OR NOT EXISTS (SELECT FROM purchasing.receipt_line d WHERE %3$s AND d.content_hash = q.content_hash)) $q$,
    intake.stage_table(loaded.dataset), intake.same_record(loaded.dataset),
    CASE loaded.dataset WHEN 'receipts' THEN intake.same_record('receipts') ELSE 'false' END)
  USING loaded.load_id, loaded.dataset, loaded.source;
  GET DIAGNOSTICS staged = ROW_COUNT;
  RETURN staged;
END $$;

CREATE OR REPLACE FUNCTION intake.finish_load(load_in bigint, until_in timestamptz, count_in bigint, amount_in numeric) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE loaded intake.load; counted bigint; summed numeric; unknown bigint; again bigint := 0;
  totals CONSTANT text := 'SELECT count(*), coalesce(sum(control_amount), 0), count(*) FILTER (WHERE control_amount IS NULL) FROM intake.%I WHERE load_id = $1';
BEGIN
  SELECT * INTO STRICT loaded FROM intake.load l WHERE l.load_id = load_in FOR UPDATE;
  IF loaded.state <> 'reading' THEN
    RAISE EXCEPTION 'load % is % and takes no more rows', load_in, loaded.state USING ERRCODE = 'BO409';
  END IF;
  IF until_in > ops.latest_moment() THEN
    RAISE EXCEPTION '% says that it is % while it is %: its clock is wrong, and what it sends from now on would never be asked for; nothing was kept, correct its clock',
      loaded.source, ops.utc(until_in), ops.utc(clock_timestamp()) USING ERRCODE = 'BO503';
  END IF;
  EXECUTE format(totals, intake.stage_table(loaded.dataset)) INTO counted, summed, unknown USING load_in;
  IF count_in IS NOT NULL AND count_in <> counted THEN
    RAISE EXCEPTION 'control total of % from % does not tie: the source counts % records, % were read; nothing was kept, read again',
      loaded.dataset, loaded.source, count_in, counted USING ERRCODE = 'BO500';
  END IF;
  IF amount_in IS NOT NULL AND unknown = 0 AND amount_in <> summed THEN
    RAISE EXCEPTION 'control total of % from % does not tie: the source sums to %, the records read to %; nothing was kept, read again',
      loaded.dataset, loaded.source, amount_in, summed USING ERRCODE = 'BO500';
  END IF;
  IF loaded.advances_watermark AND loaded.dataset <> 'invoices' THEN
    again := intake.stage_quarantined(loaded);
  END IF;
  IF again > 0 THEN
    EXECUTE format(totals, intake.stage_table(loaded.dataset)) INTO counted, summed, unknown USING load_in;
  END IF;
  -- the gate's and the accept function's plans depend on knowing how much was staged
  CASE loaded.dataset
    WHEN 'suppliers' THEN ANALYZE intake.stage_supplier;
    WHEN 'orders' THEN ANALYZE intake.stage_order_line;
    WHEN 'receipts' THEN ANALYZE intake.stage_receipt_line;
    ELSE ANALYZE intake.stage_invoice, intake.stage_invoice_line, intake.stage_invoice_tax;
  END CASE;
  UPDATE intake.load l SET state = 'read', read_at = now(), window_until = until_in, source_count = count_in, source_amount = amount_in,
    received_count = counted, received_amount = summed, received_unknown = unknown, judged_again = again
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

-- made anew, because a view that exists takes new columns at its end only
DROP VIEW IF EXISTS intake.gate_suppliers, intake.gate_orders, intake.gate_receipts, intake.gate_invoices, intake.gate_invoice_lines, intake.gate_invoice_taxes,
  intake.disposition_suppliers, intake.disposition_orders, intake.disposition_receipts, intake.disposition_invoices;

-- repetition > 1: the same content again in one load.
-- What becomes of each staged row: already known, quarantined or accepted. Known is what was accepted, or discarded by people;
-- what merely stands in quarantine is judged again whenever it comes again.
CREATE OR REPLACE VIEW intake.disposition_suppliers AS
SELECT s.*, CASE
  WHEN EXISTS (SELECT FROM purchasing.supplier k WHERE k.supplier_id = s.supplier_id AND k.content_hash = s.content_hash)
    OR EXISTS (SELECT FROM intake.quarantine q WHERE q.dataset = 'suppliers' AND q.content_hash = s.content_hash AND q.state = 'discarded')
    OR s.repetition > 1 THEN 'known'
  WHEN EXISTS (SELECT FROM intake.finding f WHERE f.load_id = s.load_id AND f.dataset = 'suppliers' AND f.row_no = s.row_no AND f.severity = 'quarantine') THEN 'quarantined'
  ELSE 'accepted' END AS disposition
FROM (SELECT t.*, row_number() OVER (PARTITION BY t.load_id, t.content_hash ORDER BY t.row_no) AS repetition FROM intake.stage_supplier t) s;

CREATE OR REPLACE VIEW intake.disposition_orders AS
SELECT s.*, CASE
  WHEN EXISTS (SELECT FROM purchasing.order_line k WHERE k.entity = s.entity AND k.po_number = s.po_number AND k.po_line = s.po_line AND k.content_hash = s.content_hash)
    OR EXISTS (SELECT FROM intake.quarantine q WHERE q.dataset = 'orders' AND q.content_hash = s.content_hash AND q.state = 'discarded')
    OR s.repetition > 1 THEN 'known'
  WHEN EXISTS (SELECT FROM intake.finding f WHERE f.load_id = s.load_id AND f.dataset = 'orders' AND f.row_no = s.row_no AND f.severity = 'quarantine') THEN 'quarantined'
  ELSE 'accepted' END AS disposition
FROM (SELECT t.*, row_number() OVER (PARTITION BY t.load_id, t.content_hash ORDER BY t.row_no) AS repetition FROM intake.stage_order_line t) s;

CREATE OR REPLACE VIEW intake.disposition_receipts AS
SELECT s.*, CASE
  WHEN EXISTS (SELECT FROM purchasing.receipt_line k WHERE k.entity = s.entity AND k.receipt_number = s.receipt_number AND k.receipt_line = s.receipt_line AND k.content_hash = s.content_hash)
    OR EXISTS (SELECT FROM intake.quarantine q WHERE q.dataset = 'receipts' AND q.content_hash = s.content_hash AND q.state = 'discarded')
    OR s.repetition > 1 THEN 'known'
  WHEN EXISTS (SELECT FROM intake.finding f WHERE f.load_id = s.load_id AND f.dataset = 'receipts' AND f.row_no = s.row_no AND f.severity = 'quarantine') THEN 'quarantined'
  ELSE 'accepted' END AS disposition
FROM (SELECT t.*, row_number() OVER (PARTITION BY t.load_id, t.content_hash ORDER BY t.row_no) AS repetition,
        min(encode(t.content_hash, 'hex')) OVER same_line <> max(encode(t.content_hash, 'hex')) OVER same_line AS contradicted
      FROM intake.stage_receipt_line t
      WINDOW same_line AS (PARTITION BY t.load_id, t.entity, t.receipt_number, t.receipt_line)) s;

-- A finding on a line or a tax row quarantines its whole document: half an invoice is never booked. The same bytes may come
-- twice in one load with different envelopes: the one that passes counts. settled: known from before this load.
CREATE OR REPLACE VIEW intake.disposition_invoices AS
SELECT s.*, CASE WHEN s.settled OR s.repetition > 1 THEN 'known' WHEN s.found THEN 'quarantined' ELSE 'accepted' END AS disposition
FROM (
  SELECT j.*, row_number() OVER (PARTITION BY j.load_id, j.content_hash ORDER BY j.found, j.row_no) AS repetition,
    EXISTS (SELECT FROM purchasing.invoice k WHERE k.content_hash = j.content_hash)
      OR EXISTS (SELECT FROM intake.quarantine q WHERE q.dataset = 'invoices' AND q.content_hash = j.content_hash AND q.state = 'discarded') AS settled
  FROM (
    SELECT t.*, EXISTS (SELECT FROM intake.finding f WHERE f.load_id = t.load_id AND f.dataset = 'invoices' AND f.row_no = t.row_no AND f.severity = 'quarantine')
      OR EXISTS (SELECT FROM intake.finding f JOIN intake.stage_invoice_line l ON l.load_id = f.load_id AND l.row_no = f.row_no
                 WHERE f.load_id = t.load_id AND f.dataset = 'invoice_lines' AND f.severity = 'quarantine' AND l.invoice_row_no = t.row_no)
      OR EXISTS (SELECT FROM intake.finding f JOIN intake.stage_invoice_tax x ON x.load_id = f.load_id AND x.row_no = f.row_no
                 WHERE f.load_id = t.load_id AND f.dataset = 'invoice_taxes' AND f.severity = 'quarantine' AND x.invoice_row_no = t.row_no) AS found
    FROM intake.stage_invoice t) j) s;

CREATE OR REPLACE FUNCTION intake.this_load() RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN nullif(current_setting('backoffice.load_id', true), '')::bigint;

-- A quantity in another unit, by the item's own factor before the general one. NULL without a factor, or if the result is not
-- exact to the four decimals that the ledger keeps: such a quantity is never rounded.
CREATE OR REPLACE FUNCTION intake.in_unit(quantity numeric, uom text, wanted_uom text, item_in text) RETURNS numeric
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT CASE WHEN uom = wanted_uom THEN quantity
    ELSE (SELECT CASE WHEN mod(quantity * 10000 * f.numerator, f.denominator) = 0 AND abs(quantity) * f.numerator < 100000000000::numeric * f.denominator
                   THEN div(quantity * 10000 * f.numerator, f.denominator) * 0.0001 END
          FROM purchasing.uom_factor f WHERE f.from_uom = uom AND f.to_uom = wanted_uom AND f.item IN (item_in, '*') ORDER BY f.item = '*' LIMIT 1) END;
END;

-- Which of these amounts have more than so many decimals, with their values; NULL if none.
CREATE OR REPLACE FUNCTION intake.amounts_finer_than(decimals integer, names text[], amounts numeric[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN (SELECT string_agg(name || ' ' || trim_scale(amount), ', ' ORDER BY place)
        FROM unnest(names, amounts) WITH ORDINALITY AS x(name, amount, place) WHERE scale(trim_scale(amount)) > decimals);

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
  EXISTS (SELECT FROM purchasing.order_line o WHERE o.entity = d.entity AND o.po_number = d.po_number AND o.po_line_key = ltrim(d.po_line, '0')
            AND NOT o.amount_based AND d.quantity <> 0 AND intake.in_unit(d.quantity, d.uom, o.uom, o.item) IS NULL) AS unit_not_countable,
  -- a complete extract must carry the order of each of its receipts; a live warehouse may be ahead of the ERP
  (SELECT l.profile IS NOT NULL FROM intake.load l WHERE l.load_id = d.load_id) AS order_required
FROM intake.disposition_receipts d WHERE d.load_id = intake.this_load() AND d.disposition <> 'known';

CREATE OR REPLACE VIEW intake.gate_invoices AS
SELECT d.*, EXISTS (SELECT FROM ops.entity e WHERE e.entity = d.entity) AS entity_known,
  coalesce(ops.business_date(d.entity), (now() AT TIME ZONE 'UTC')::date) AS business_date,
  (SELECT count(*) FROM intake.stage_invoice_line l WHERE l.load_id = d.load_id AND l.invoice_row_no = d.row_no) AS line_count_staged,
  CASE WHEN greatest(scale(trim_scale(d.line_total)), scale(trim_scale(d.allowance_total)), scale(trim_scale(d.charge_total)), scale(trim_scale(d.net_total)), scale(trim_scale(d.tax_total)), scale(trim_scale(d.gross_total)), scale(trim_scale(d.prepaid_total)), scale(trim_scale(d.rounding_amount)), scale(trim_scale(d.payable_total))) > 0 THEN
    intake.amounts_finer_than(0, ARRAY['line_total', 'allowance_total', 'charge_total', 'net_total', 'tax_total', 'gross_total', 'prepaid_total', 'rounding_amount', 'payable_total'], ARRAY[d.line_total, d.allowance_total, d.charge_total, d.net_total, d.tax_total, d.gross_total, d.prepaid_total, d.rounding_amount, d.payable_total]) END AS amounts_with_decimals,
  CASE WHEN greatest(scale(trim_scale(d.line_total)), scale(trim_scale(d.allowance_total)), scale(trim_scale(d.charge_total)), scale(trim_scale(d.net_total)), scale(trim_scale(d.tax_total)), scale(trim_scale(d.gross_total)), scale(trim_scale(d.prepaid_total)), scale(trim_scale(d.rounding_amount)), scale(trim_scale(d.payable_total))) > 0 THEN d.currency END AS fractional_currency,
  CASE WHEN greatest(scale(trim_scale(d.line_total)), scale(trim_scale(d.allowance_total)), scale(trim_scale(d.charge_total)), scale(trim_scale(d.net_total)), scale(trim_scale(d.tax_total)), scale(trim_scale(d.gross_total)), scale(trim_scale(d.prepaid_total)), scale(trim_scale(d.rounding_amount)), scale(trim_scale(d.payable_total))) > 2 THEN
    intake.amounts_finer_than(2, ARRAY['line_total', 'allowance_total', 'charge_total', 'net_total', 'tax_total', 'gross_total', 'prepaid_total', 'rounding_amount', 'payable_total'], ARRAY[d.line_total, d.allowance_total, d.charge_total, d.net_total, d.tax_total, d.gross_total, d.prepaid_total, d.rounding_amount, d.payable_total]) END AS amounts_beyond_cents
FROM intake.disposition_invoices d WHERE d.load_id = intake.this_load() AND NOT d.settled;

CREATE OR REPLACE VIEW intake.gate_invoice_lines AS
SELECT l.*,
  CASE WHEN greatest(scale(trim_scale(l.net_amount)), scale(trim_scale(l.allowance_total)), scale(trim_scale(l.charge_total))) > 0 THEN
    intake.amounts_finer_than(0, ARRAY['net_amount', 'allowance_total', 'charge_total'], ARRAY[l.net_amount, l.allowance_total, l.charge_total]) END AS amounts_with_decimals,
  CASE WHEN greatest(scale(trim_scale(l.net_amount)), scale(trim_scale(l.allowance_total)), scale(trim_scale(l.charge_total))) > 0 THEN d.currency END AS fractional_currency,
  CASE WHEN greatest(scale(trim_scale(l.net_amount)), scale(trim_scale(l.allowance_total)), scale(trim_scale(l.charge_total))) > 2 THEN
    intake.amounts_finer_than(2, ARRAY['net_amount', 'allowance_total', 'charge_total'], ARRAY[l.net_amount, l.allowance_total, l.charge_total]) END AS amounts_beyond_cents
FROM intake.stage_invoice_line l
JOIN intake.disposition_invoices d ON d.load_id = l.load_id AND d.row_no = l.invoice_row_no
WHERE l.load_id = intake.this_load() AND d.load_id = intake.this_load() AND NOT d.settled;

CREATE OR REPLACE VIEW intake.gate_invoice_taxes AS
SELECT x.*,
  CASE WHEN greatest(scale(trim_scale(x.taxable_amount)), scale(trim_scale(x.tax_amount))) > 0 THEN
    intake.amounts_finer_than(0, ARRAY['taxable_amount', 'tax_amount'], ARRAY[x.taxable_amount, x.tax_amount]) END AS amounts_with_decimals,
  CASE WHEN greatest(scale(trim_scale(x.taxable_amount)), scale(trim_scale(x.tax_amount))) > 0 THEN d.currency END AS fractional_currency,
  CASE WHEN greatest(scale(trim_scale(x.taxable_amount)), scale(trim_scale(x.tax_amount))) > 2 THEN
    intake.amounts_finer_than(2, ARRAY['taxable_amount', 'tax_amount'], ARRAY[x.taxable_amount, x.tax_amount]) END AS amounts_beyond_cents
FROM intake.stage_invoice_tax x
JOIN intake.disposition_invoices d ON d.load_id = x.load_id AND d.row_no = x.invoice_row_no
WHERE x.load_id = intake.this_load() AND d.load_id = intake.this_load() AND NOT d.settled;
