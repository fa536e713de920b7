CREATE OR REPLACE FUNCTION intake.queue_order_lines(order_lines bigint[]) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO ledger.match_queue (invoice_id)
  SELECT DISTINCT l.invoice_id FROM purchasing.invoice_line l WHERE l.order_line_id = ANY (order_lines)
  ON CONFLICT DO NOTHING
$$;

CREATE OR REPLACE FUNCTION intake.accept_suppliers(load_in bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  WITH accepted AS (
    SELECT DISTINCT ON (d.supplier_id) d.*, least(d.updated_at, (SELECT ops.latest_moment())) AS changed_at FROM intake.disposition_suppliers d
    WHERE d.load_id = load_in AND d.disposition = 'accepted' ORDER BY d.supplier_id, changed_at DESC NULLS LAST, d.row_no DESC
  ), version AS (
    INSERT INTO purchasing.master_version (kind, business_key, version_no, content_hash, content, load_id)
    SELECT 'supplier', a.supplier_id, coalesce((SELECT max(v.version_no) FROM purchasing.master_version v WHERE v.kind = 'supplier' AND v.business_key = a.supplier_id), 0) + 1,
           a.content_hash, to_jsonb(a) - 'disposition' - 'repetition' - 'contradicted' - 'content_hash' - 'defects' - 'changed_at', load_in FROM accepted a
  )
  INSERT INTO purchasing.supplier AS s (supplier_id, name, vat_id, iban, supplier_group, country, currency, payment_terms_days, blocked, content_hash, load_id, source_updated_at)
  SELECT a.supplier_id, a.name, a.vat_id, a.iban, coalesce(a.supplier_group, a.supplier_id), a.country, a.currency, a.payment_terms_days,
         a.blocked, a.content_hash, load_in, a.changed_at FROM accepted a
  ON CONFLICT (supplier_id) DO UPDATE SET name = excluded.name, vat_id = excluded.vat_id, iban = excluded.iban,
    supplier_group = excluded.supplier_group, country = excluded.country, currency = excluded.currency,
    payment_terms_days = excluded.payment_terms_days, blocked = excluded.blocked, content_hash = excluded.content_hash,
    load_id = excluded.load_id, source_updated_at = excluded.source_updated_at
  WHERE s.source_updated_at IS NULL OR excluded.source_updated_at IS NULL OR excluded.source_updated_at >= s.source_updated_at;

  -- a document whose sender was unknown may now be known; the group is the master's of now, however old the document is
  UPDATE purchasing.invoice i SET supplier_id = resolved.supplier_id
  FROM (SELECT u.invoice_id, s.supplier_id FROM purchasing.invoice u
        JOIN purchasing.supplier s ON s.supplier_id = intake.resolve_supplier(u.seller_id, u.seller_vat_id)
        WHERE u.supplier_id IS NULL AND s.load_id = load_in) AS resolved
  WHERE i.invoice_id = resolved.invoice_id;
  UPDATE purchasing.invoice i SET supplier_group = s.supplier_group
  FROM purchasing.supplier s WHERE s.supplier_id = i.supplier_id AND s.load_id = load_in AND i.supplier_group <> s.supplier_group;
  -- what these suppliers sent and is not settled is looked at again, also what was matched and waits to be paid
  INSERT INTO ledger.match_queue (invoice_id)
  SELECT i.invoice_id FROM purchasing.invoice i JOIN purchasing.supplier s ON s.supplier_id = i.supplier_id
  LEFT JOIN ledger.invoice_status st ON st.invoice_id = i.invoice_id
  WHERE s.load_id = load_in AND st.state IS DISTINCT FROM 'rejected'
    AND (st.booking_no IS NULL OR NOT EXISTS (SELECT FROM ledger.open_item o WHERE o.invoice_id = i.invoice_id AND o.closed_by_entry IS NOT NULL))
  ON CONFLICT DO NOTHING;
END $$;

-- The supplier that both the seller's identifier and its VAT number allow; NULL when they name different ones.
CREATE OR REPLACE FUNCTION intake.resolve_supplier(seller_id_in text, vat_in text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  WITH by_id AS (SELECT s.supplier_id FROM purchasing.supplier s WHERE s.supplier_id = seller_id_in),
       by_vat AS (SELECT s.supplier_id FROM purchasing.supplier s WHERE s.vat_id = vat_in)
  SELECT CASE
    WHEN EXISTS (SELECT FROM by_id) AND (NOT EXISTS (SELECT FROM by_vat) OR seller_id_in IN (SELECT supplier_id FROM by_vat)) THEN seller_id_in
    WHEN EXISTS (SELECT FROM by_id) THEN NULL
    WHEN (SELECT count(*) FROM by_vat) = 1 THEN (SELECT supplier_id FROM by_vat) END
$$;

CREATE OR REPLACE FUNCTION intake.accept_orders(load_in bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE changed bigint[];
BEGIN
  WITH accepted AS (
    SELECT DISTINCT ON (d.entity, d.po_number, d.po_line) d.*, least(d.updated_at, (SELECT ops.latest_moment())) AS changed_at FROM intake.disposition_orders d
    WHERE d.load_id = load_in AND d.disposition = 'accepted'
    ORDER BY d.entity, d.po_number, d.po_line, d.version DESC NULLS LAST, changed_at DESC NULLS LAST, d.row_no DESC
  ), version AS (
    INSERT INTO purchasing.master_version (kind, business_key, version_no, content_hash, content, load_id)
    SELECT 'order_line', a.entity || '/' || a.po_number || '/' || a.po_line,
           coalesce((SELECT max(v.version_no) FROM purchasing.master_version v WHERE v.kind = 'order_line' AND v.business_key = a.entity || '/' || a.po_number || '/' || a.po_line), 0) + 1,
           a.content_hash, to_jsonb(a) - 'disposition' - 'repetition' - 'contradicted' - 'content_hash' - 'defects' - 'changed_at', load_in FROM accepted a
  ), written AS (
    INSERT INTO purchasing.order_line AS o (entity, po_number, po_line, supplier_id, currency, item, description, category, quantity, uom, unit_price,
      price_base_quantity, amount_based, ordered_value, tax_rate, match_type, gr_based, order_date, closed, approved, buyer, requester, created_by, cost_centre,
      version, content_hash, load_id, source_updated_at)
    SELECT a.entity, a.po_number, a.po_line, a.supplier_id, a.currency, a.item, a.description, a.category, a.quantity, a.uom, a.unit_price,
      coalesce(a.price_base_quantity, 1), coalesce(a.amount_based, false), a.ordered_value, a.tax_rate, a.match_type, a.gr_based, a.order_date,
      a.status <> 'open', coalesce(a.approved, false), a.buyer, a.requester, a.created_by, a.cost_centre, coalesce(a.version, 1), a.content_hash, load_in, a.changed_at
    FROM accepted a
    ON CONFLICT (entity, po_number, po_line) DO UPDATE SET supplier_id = excluded.supplier_id, currency = excluded.currency, item = excluded.item,
      description = excluded.description, category = excluded.category, quantity = excluded.quantity, uom = excluded.uom, unit_price = excluded.unit_price,
      price_base_quantity = excluded.price_base_quantity, amount_based = excluded.amount_based, ordered_value = excluded.ordered_value,
      tax_rate = excluded.tax_rate, match_type = excluded.match_type, gr_based = excluded.gr_based, order_date = excluded.order_date,
      closed = excluded.closed, approved = excluded.approved, buyer = excluded.buyer, requester = excluded.requester, created_by = excluded.created_by, cost_centre = excluded.cost_centre,
      version = excluded.version, content_hash = excluded.content_hash, load_id = excluded.load_id, source_updated_at = excluded.source_updated_at
    WHERE o.source_updated_at IS NULL OR excluded.source_updated_at IS NULL OR excluded.source_updated_at >= o.source_updated_at
    RETURNING o.order_line_id
  )
  SELECT array_agg(order_line_id) INTO changed FROM written;

  UPDATE purchasing.invoice_line l SET order_line_id = o.order_line_id
  FROM purchasing.order_line o, purchasing.invoice i
  WHERE l.order_line_id IS NULL AND o.order_line_id = ANY (changed) AND i.invoice_id = l.invoice_id
    AND o.entity = i.entity AND o.po_number = l.po_number AND o.po_line_key = l.po_line_key;
  -- also documents that named one of these orders but none of its lines
  INSERT INTO ledger.match_queue (invoice_id)
  SELECT DISTINCT l.invoice_id FROM purchasing.invoice_line l JOIN purchasing.order_line o ON o.po_number = l.po_number
  WHERE l.order_line_id IS NULL AND o.order_line_id = ANY (changed) ON CONFLICT DO NOTHING;
  PERFORM intake.queue_order_lines(changed);
END $$;

CREATE OR REPLACE FUNCTION intake.accept_receipts(load_in bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE touched bigint[];
BEGIN
  WITH written AS (
    INSERT INTO purchasing.receipt_line (entity, receipt_number, receipt_line, po_number, po_line_key, order_line_id, quantity, sent_quantity, sent_uom,
      received_value, value_known, received_at, reverses_number, reverses_line, receiver, content_hash, load_id, source_updated_at)
    SELECT d.entity, d.receipt_number, d.receipt_line, d.po_number, ltrim(d.po_line, '0'), o.order_line_id,
           -- the gate let through only what can be counted; before its order is known a receipt stands in its own unit
           CASE WHEN coalesce(d.quantity, 0) = 0 THEN 0 WHEN o.order_line_id IS NULL OR o.amount_based THEN d.quantity
                ELSE intake.in_unit(d.quantity, d.uom, o.uom, o.item) END, d.quantity, d.uom,
           d.received_value, coalesce(d.value_known, d.received_value IS NOT NULL), d.received_at, d.reverses_number, d.reverses_line, d.receiver,
           d.content_hash, load_in, d.updated_at
    FROM intake.disposition_receipts d
    LEFT JOIN purchasing.order_line o ON o.entity = d.entity AND o.po_number = d.po_number AND o.po_line_key = ltrim(d.po_line, '0')
    WHERE d.load_id = load_in AND d.disposition = 'accepted'
    RETURNING receipt_line_id, order_line_id
  ), queued AS (
    INSERT INTO ledger.receipt_queue (receipt_line_id) SELECT w.receipt_line_id FROM written w WHERE w.order_line_id IS NOT NULL
  )
  SELECT array_agg(DISTINCT order_line_id) FILTER (WHERE order_line_id IS NOT NULL) INTO touched FROM written;
  PERFORM intake.queue_order_lines(touched);
END $$;

-- Receipts that came before their order find it, and count in its unit from then on. One whose unit has no exact factor to
-- it does not count: it stands in quarantine until there is a factor. Tried again each night.
CREATE OR REPLACE FUNCTION intake.place_receipts() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE touched bigint[];
BEGIN
  WITH found AS (
    SELECT DISTINCT ON (r.receipt_line_id) r.*, o.order_line_id AS found_line, CASE WHEN r.quantity = 0 OR o.amount_based THEN r.quantity ELSE intake.in_unit(r.quantity, r.sent_uom, o.uom, o.item) END AS counted
    FROM purchasing.receipt_line r JOIN purchasing.order_line o ON o.entity = r.entity AND o.po_number = r.po_number AND o.po_line_key = r.po_line_key
    WHERE r.order_line_id IS NULL ORDER BY r.receipt_line_id, o.order_line_id
  ), placed AS (
    UPDATE purchasing.receipt_line r SET order_line_id = f.found_line FROM found f
    WHERE r.receipt_line_id = f.receipt_line_id AND f.counted = f.quantity RETURNING r.receipt_line_id, r.order_line_id, r.content_hash
  ), taken AS (
    -- a receipt line is never changed: nothing refers to one without an order yet, so it is written anew in the order's unit
    DELETE FROM purchasing.receipt_line r USING found f WHERE r.receipt_line_id = f.receipt_line_id AND f.counted <> f.quantity
    RETURNING f.*
  ), converted AS (
    INSERT INTO purchasing.receipt_line (entity, receipt_number, receipt_line, po_number, po_line_key, order_line_id, quantity, sent_quantity, sent_uom,
      received_value, value_known, received_at, reverses_number, reverses_line, receiver, content_hash, load_id, source_updated_at)
    SELECT t.entity, t.receipt_number, t.receipt_line, t.po_number, t.po_line_key, t.found_line, t.counted, t.sent_quantity, t.sent_uom,
      t.received_value, t.value_known, t.received_at, t.reverses_number, t.reverses_line, t.receiver, t.content_hash, t.load_id, t.source_updated_at
    FROM taken t RETURNING receipt_line_id, order_line_id, content_hash
  ), counting AS (
    SELECT * FROM placed UNION ALL SELECT * FROM converted
  ), queued AS (
    INSERT INTO ledger.receipt_queue (receipt_line_id) SELECT c.receipt_line_id FROM counting c ON CONFLICT DO NOTHING
  ), settled AS (
    UPDATE intake.quarantine q SET state = 'accepted', settled_at = now() FROM counting c
    WHERE q.dataset = 'receipts' AND q.state = 'open' AND q.content_hash = c.content_hash
  ), held AS (
    INSERT INTO intake.quarantine AS k (load_id, source, dataset, row_no, document_id, content_hash, business_key, findings, row_content)
    SELECT DISTINCT ON (f.receipt_line_id) f.load_id, l.source, 'receipts', t.row_no, t.document_id, f.content_hash, f.receipt_number,
      jsonb_build_array(jsonb_build_object('check_id', 'unit_not_countable', 'reason', intake.reason_not_countable(), 'field', 'uom', 'value', f.sent_uom)),
      to_jsonb(t) - 'content_hash'
    FROM found f JOIN intake.load l ON l.load_id = f.load_id
    JOIN intake.stage_receipt_line t ON t.load_id = f.load_id AND t.content_hash = f.content_hash
    WHERE f.counted IS NULL AND NOT EXISTS (SELECT FROM intake.quarantine q WHERE q.dataset = 'receipts' AND q.state = 'open' AND q.content_hash = f.content_hash)
    ORDER BY f.receipt_line_id, t.row_no
    ON CONFLICT (load_id, dataset, row_no) DO UPDATE SET state = 'open', settled_at = NULL, findings = excluded.findings, times = k.times + 1, last_seen_at = now()
  )
  SELECT array_agg(DISTINCT c.order_line_id) INTO touched FROM counting c;
  PERFORM intake.queue_order_lines(touched);
END $$;

CREATE OR REPLACE FUNCTION intake.accept_invoices(load_in bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  INSERT INTO purchasing.invoice (entity, document_id, content_hash, syntax, kind, type_code, invoice_number, invoice_date, due_date, discount_date, discount_percent, currency,
    supplier_id, supplier_group, seller_id, seller_vat_id, seller_name, payee_iban, po_number, receipt_number, preceding_invoice_number,
    line_total, allowance_total, charge_total, net_total, tax_total, gross_total, prepaid_total, rounding_amount, payable_total,
    duplicates_evaluable, received_at, keyed_by, load_id)
  SELECT d.entity, d.document_id, d.content_hash, d.syntax, d.kind, d.type_code, d.invoice_number, d.invoice_date, d.due_date, d.discount_date, d.discount_percent, d.currency,
    s.supplier_id, coalesce(s.supplier_group, 'vat ' || d.seller_vat_id, 'id ' || d.seller_id, 'name ' || upper(d.seller_name), 'unknown'),
    d.seller_id, d.seller_vat_id, d.seller_name, d.payee_iban, nullif(d.po_number, ''), d.receipt_number, d.preceding_invoice_number,
    d.line_total, coalesce(d.allowance_total, 0), coalesce(d.charge_total, 0), d.net_total, coalesce(d.tax_total, 0), d.gross_total,
    coalesce(d.prepaid_total, 0), coalesce(d.rounding_amount, 0), d.payable_total, d.duplicates_evaluable, d.received_at, d.keyed_by, load_in
  FROM intake.disposition_invoices d
  LEFT JOIN purchasing.supplier s ON s.supplier_id = intake.resolve_supplier(d.seller_id, d.seller_vat_id)
  WHERE d.load_id = load_in AND d.disposition = 'accepted';

  INSERT INTO purchasing.invoice_line (invoice_id, position, line_id, po_number, po_line_key, order_line_id, receipt_number, supplier_item, buyer_item, description,
    quantity, uom, unit_price, price_base_quantity, net_amount, allowance_total, charge_total, tax_category, tax_rate)
  SELECT i.invoice_id, l.position, coalesce(l.line_id, l.position::text), named.po_number, named.po_line_key, o.order_line_id, l.receipt_number,
    l.supplier_item, l.buyer_item, l.description, l.quantity, l.uom, l.unit_price, coalesce(l.price_base_quantity, 1), l.net_amount,
    coalesce(l.allowance_total, 0), coalesce(l.charge_total, 0), l.tax_category, l.tax_rate
  FROM intake.stage_invoice d JOIN purchasing.invoice i ON i.load_id = load_in AND i.content_hash = d.content_hash
  JOIN intake.stage_invoice_line l ON l.load_id = load_in AND l.invoice_row_no = d.row_no
  CROSS JOIN LATERAL (SELECT coalesce(nullif(l.po_number, ''), i.po_number) AS po_number, nullif(ltrim(l.po_line, '0'), '') AS po_line_key) AS named
  LEFT JOIN purchasing.order_line o ON o.entity = i.entity AND o.po_number = named.po_number AND o.po_line_key = named.po_line_key
  WHERE d.load_id = load_in AND d.row_no = (SELECT min(f.row_no) FROM intake.stage_invoice f WHERE f.load_id = load_in AND f.content_hash = d.content_hash);

  INSERT INTO purchasing.invoice_tax (invoice_id, position, category, rate, taxable_amount, tax_amount)
  SELECT i.invoice_id, row_number() OVER (PARTITION BY i.invoice_id ORDER BY x.row_no), coalesce(x.category, '?'), coalesce(x.rate, 0), x.taxable_amount, x.tax_amount
  FROM intake.stage_invoice d JOIN purchasing.invoice i ON i.load_id = load_in AND i.content_hash = d.content_hash
  JOIN intake.stage_invoice_tax x ON x.load_id = load_in AND x.invoice_row_no = d.row_no
  WHERE d.load_id = load_in AND d.row_no = (SELECT min(f.row_no) FROM intake.stage_invoice f WHERE f.load_id = load_in AND f.content_hash = d.content_hash);

  INSERT INTO ledger.match_queue (invoice_id) SELECT i.invoice_id FROM purchasing.invoice i WHERE i.load_id = load_in ON CONFLICT DO NOTHING;
END $$;

-- Accept the gated loads of a run: facts, quarantine, control totals, watermark and audit record in one transaction.
CREATE OR REPLACE FUNCTION intake.accept_loads(run_in bigint)
RETURNS TABLE (load_id bigint, dataset text, received bigint, accepted bigint, quarantined bigint, known bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE loaded intake.load; this_run ops.run; totals record;
BEGIN
  SELECT * INTO STRICT this_run FROM ops.run r WHERE r.run_id = run_in;
  PERFORM ops.lock_process(this_run.process);
  PERFORM ops.rehearse(this_run);
  FOR loaded IN
    SELECT * FROM intake.load l WHERE l.run_id = run_in AND l.state = 'gated'
    ORDER BY array_position(ARRAY['suppliers', 'orders', 'receipts', 'invoices'], l.dataset), l.load_id FOR UPDATE
  LOOP
    PERFORM intake.judge_again(loaded.load_id, loaded.dataset);
    EXECUTE format($q$ SELECT
        count(*) FILTER (WHERE d.disposition = 'accepted') AS accepted, coalesce(sum(d.control_amount) FILTER (WHERE d.disposition = 'accepted'), 0) AS accepted_amount,
        count(*) FILTER (WHERE d.disposition = 'accepted' AND d.control_amount IS NULL) AS accepted_unknown,
        count(*) FILTER (WHERE d.disposition = 'quarantined') AS quarantined, coalesce(sum(d.control_amount) FILTER (WHERE d.disposition = 'quarantined'), 0) AS quarantined_amount,
        count(*) FILTER (WHERE d.disposition = 'quarantined' AND d.control_amount IS NULL) AS quarantined_unknown,
        count(*) FILTER (WHERE d.disposition = 'known') AS known, coalesce(sum(d.control_amount) FILTER (WHERE d.disposition = 'known'), 0) AS known_amount,
        count(*) FILTER (WHERE d.disposition = 'known' AND d.control_amount IS NULL) AS known_unknown
      FROM intake.%I d WHERE d.load_id = $1 $q$, 'disposition_' || loaded.dataset) INTO totals USING loaded.load_id;
    PERFORM intake.quarantine_rows(loaded.load_id, loaded.dataset);
    PERFORM intake.settle_quarantine(loaded.load_id, loaded.dataset);
    CASE loaded.dataset
      WHEN 'suppliers' THEN PERFORM intake.accept_suppliers(loaded.load_id);
      WHEN 'orders' THEN PERFORM intake.accept_orders(loaded.load_id);
      WHEN 'receipts' THEN PERFORM intake.accept_receipts(loaded.load_id);
      WHEN 'invoices' THEN PERFORM intake.accept_invoices(loaded.load_id);
    END CASE;
    UPDATE intake.load l SET state = 'accepted', accepted_at = now(),
      accepted_count = totals.accepted, accepted_amount = totals.accepted_amount, accepted_unknown = totals.accepted_unknown,
      quarantined_count = totals.quarantined, quarantined_amount = totals.quarantined_amount, quarantined_unknown = totals.quarantined_unknown,
      known_count = totals.known, known_amount = totals.known_amount, known_unknown = totals.known_unknown
    WHERE l.load_id = loaded.load_id;
    IF loaded.advances_watermark AND loaded.window_until IS NOT NULL THEN
      INSERT INTO intake.watermark AS w (source, dataset, high_water, load_id)
      VALUES (loaded.source, loaded.dataset, loaded.window_until, loaded.load_id)
      ON CONFLICT (source, dataset) DO UPDATE SET high_water = excluded.high_water, load_id = excluded.load_id
      WHERE excluded.high_water > w.high_water OR w.high_water > ops.latest_moment();
    END IF;
    PERFORM audit.append('path', 'run:' || run_in, audit.object(
      'run_id', audit.text(run_in::text), 'step', audit.text('load accepted'), 'load_id', audit.text(loaded.load_id::text),
      'source', audit.text(loaded.source), 'dataset', audit.text(loaded.dataset), 'parser', audit.text(loaded.parser), 'profile', audit.text(loaded.profile),
      'received', audit.number(loaded.received_count), 'accepted', audit.number(totals.accepted), 'quarantined', audit.number(totals.quarantined),
      'known', audit.number(totals.known), 'received_amount', audit.number(loaded.received_amount), 'window_until', audit.text(ops.utc(loaded.window_until)),
      'at', audit.text(ops.utc(now()))));
    load_id := loaded.load_id; dataset := loaded.dataset; received := loaded.received_count; accepted := totals.accepted;
    quarantined := totals.quarantined; known := totals.known;
    RETURN NEXT;
  END LOOP;
  PERFORM intake.place_receipts();
  PERFORM intake.mark_doubtful();
  PERFORM intake.close_settled_cases(this_run.process);
END $$;
