-- Is a row that we see of a part of this transaction that can still be taken back alone? Its number comes after the transaction's
-- own, and it has not ended: what others write and have not committed is not seen.
CREATE OR REPLACE FUNCTION ledger.is_being_written(xmin_in xid) RETURNS boolean
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(CASE WHEN n.later > 0 AND n.later < 2147483648 THEN pg_xact_status((n.own + n.later)::text::xid8) = 'in progress' END, false)
  FROM (SELECT x.own, (xmin_in::text::bigint - x.own % 4294967296 + 4294967296) % 4294967296 AS later FROM (SELECT pg_current_xact_id()::text::bigint AS own) x) n
$$;

-- An entry balances in its own currency and in the ledger currency, is complete in the statement that writes it, and
-- takes no line afterwards.
CREATE OR REPLACE FUNCTION ledger.check_balance() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE wrong record;
BEGIN
  SELECT l.entry_id, l.currency, sum(l.debit) AS debit, sum(l.credit) AS credit INTO wrong
  FROM ledger.journal_line l WHERE l.entry_id IN (SELECT n.entry_id FROM new_lines n)
  GROUP BY l.entry_id, l.currency HAVING sum(l.debit) <> sum(l.credit) OR sum(l.ledger_debit) <> sum(l.ledger_credit) LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'journal entry % does not balance in %: debit %, credit %', wrong.entry_id, wrong.currency, wrong.debit, wrong.credit USING ERRCODE = 'BO500';
  END IF;
  IF EXISTS (SELECT FROM ledger.journal_entry e WHERE e.entry_id IN (SELECT n.entry_id FROM new_lines n) AND CASE WHEN e.xmin = pg_current_xact_id()::xid THEN false ELSE NOT ledger.is_being_written(e.xmin) END) THEN
    RAISE EXCEPTION 'a booked journal entry takes no further line; book a reversal' USING ERRCODE = 'BO403';
  END IF;
  RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS balanced ON ledger.journal_line;
CREATE TRIGGER balanced AFTER INSERT ON ledger.journal_line REFERENCING NEW TABLE AS new_lines FOR EACH STATEMENT EXECUTE FUNCTION ledger.check_balance();
ALTER TABLE ledger.journal_line ENABLE ALWAYS TRIGGER balanced;

CREATE OR REPLACE FUNCTION ledger.check_has_lines() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  IF NOT EXISTS (SELECT FROM ledger.journal_line l WHERE l.entry_id = NEW.entry_id) THEN
    RAISE EXCEPTION 'journal entry % has no lines', NEW.business_key USING ERRCODE = 'BO500';
  END IF;
  RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS has_lines ON ledger.journal_entry;
CREATE CONSTRAINT TRIGGER has_lines AFTER INSERT ON ledger.journal_entry DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger.check_has_lines();
ALTER TABLE ledger.journal_entry ENABLE ALWAYS TRIGGER has_lines;

-- A line of an entry as it stands in the entry's record: canonical, every column but its number, which is its place.
CREATE OR REPLACE FUNCTION ledger.line_text(l ledger.journal_line) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN concat('{"account":', to_json(l.account), ',"credit":"', trim_scale(l.credit), '","currency":', to_json(l.currency::text), ',"debit":"', trim_scale(l.debit),
              '","ledger_credit":"', trim_scale(l.ledger_credit), '","ledger_debit":"', trim_scale(l.ledger_debit), '","order_line_id":', coalesce('"' || l.order_line_id || '"', 'null'),
              ',"purpose":', to_json(l.purpose), ',"supplier_id":', coalesce(to_json(l.supplier_id)::text, 'null'), '}');

-- Write the lines of work_entry_line under the entries of the same business keys. A positive amount is a debit.
CREATE OR REPLACE FUNCTION ledger.write_entry_lines(run_in bigint) RETURNS bigint
LANGUAGE plpgsql SET search_path = ledger, purchasing, pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE entries bigint; missing text;
BEGIN
  SELECT string_agg(DISTINCT format('role %s of company code %s', w.role, e.entity), ', ') INTO missing
  FROM work_entry_line w JOIN journal_entry e ON e.business_key = w.business_key
  WHERE w.amount <> 0 AND w.role <> ALL (ARRAY(SELECT a.role FROM account_role a WHERE a.entity = '*'))
    AND NOT EXISTS (SELECT FROM account_role a WHERE a.entity = e.entity AND a.role = w.role);
  IF missing IS NOT NULL THEN
    RAISE EXCEPTION 'there is no account for %; nothing was booked. Add it to ledger.account_role (entity: the company code or *) and clear the task', missing USING ERRCODE = 'BO422';
  END IF;
  INSERT INTO journal_line (entry_id, line_no, account, debit, credit, currency, ledger_debit, ledger_credit, order_line_id, supplier_id, purpose)
  SELECT e.entry_id, row_number() OVER (PARTITION BY e.entry_id ORDER BY w.line_no), coalesce(own.account, every.account),
         greatest(w.amount, 0), greatest(-w.amount, 0), en.ledger_currency, greatest(w.amount, 0), greatest(-w.amount, 0),
         w.order_line_id, i.supplier_id, w.purpose
  FROM work_entry_line w
  JOIN journal_entry e ON e.business_key = w.business_key
  JOIN ops.entity en ON en.entity = e.entity
  LEFT JOIN invoice i ON i.invoice_id = e.invoice_id
  LEFT JOIN account_role own ON own.entity = e.entity AND own.role = w.role
  LEFT JOIN account_role every ON every.entity = '*' AND every.role = w.role
  WHERE w.amount <> 0;

  WITH booked AS (
    SELECT e.entry_id, e.business_key, e.event, e.entity, e.period, e.posting_date, e.document_date, e.decision_id, e.person_id, e.case_id, e.reason_code, st.payment_block,
           coalesce('invoice:' || encode(i.content_hash, 'hex'), 'receipt:' || r.entity || '/' || r.receipt_number || '/' || r.receipt_line) AS subject,
           '[' || string_agg(ledger.line_text(l), ',' ORDER BY l.line_no) || ']' AS lines
    FROM (SELECT DISTINCT business_key FROM work_entry_line) w JOIN journal_entry e ON e.business_key = w.business_key
    JOIN journal_line l ON l.entry_id = e.entry_id
    LEFT JOIN invoice i ON i.invoice_id = e.invoice_id LEFT JOIN receipt_line r ON r.receipt_line_id = e.receipt_line_id
    LEFT JOIN invoice_status st ON st.invoice_id = e.invoice_id AND e.event IN ('invoice', 'credit_note')
    GROUP BY e.entry_id, i.content_hash, r.entity, r.receipt_number, r.receipt_line, st.payment_block
  ), gathered AS (
    SELECT count(*) AS n, array_agg(b.subject ORDER BY b.business_key) AS subjects, array_agg(audit.object('effect', audit.text('journal entry'),
      'business_key', audit.text(b.business_key), 'event', audit.text(b.event), 'entity', audit.text(b.entity), 'period', audit.text(b.period), 'posting_date', audit.text(b.posting_date::text),
      'document_date', audit.text(b.document_date::text), 'payment_block', audit.text(b.payment_block::text), 'decision_id', audit.text(b.decision_id::text),
      'person_id', audit.text(b.person_id), 'case_id', audit.text(b.case_id::text), 'reason_code', audit.text(b.reason_code), 'lines', b.lines,
      'run_id', audit.text(run_in::text), 'at', audit.text(ops.utc(now()))) ORDER BY b.business_key) AS bodies FROM booked b
  )
  SELECT g.n INTO entries FROM gathered g, LATERAL (SELECT audit.append_many('effect', g.subjects, g.bodies) WHERE g.n > 0) AS done(ok);
  TRUNCATE work_entry_line;
  RETURN coalesce(entries, 0);
END $$;

-- Book queued receipts: inventory against GR/IR at the order price; what was billed before is cleared at the billed value.
CREATE OR REPLACE FUNCTION ledger.post_receipts(run_in bigint) RETURNS bigint
LANGUAGE plpgsql SET search_path = ledger, purchasing, pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  TRUNCATE work_entry_line;
  INSERT INTO gr_ir (order_line_id)
  SELECT DISTINCT r.order_line_id FROM receipt_queue q JOIN receipt_line r ON r.receipt_line_id = q.receipt_line_id ON CONFLICT DO NOTHING;
  {{ include: invoice_reconciliation/book_receipts }}
  RETURN write_entry_lines(run_in);
END $$;

-- Move to GR/IR what was booked to unmatched purchases and has found its order line.
CREATE OR REPLACE FUNCTION ledger.transfer_unmatched(run_in bigint) RETURNS bigint
LANGUAGE plpgsql SET search_path = ledger, purchasing, pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  TRUNCATE work_entry_line;
  INSERT INTO gr_ir (order_line_id)
  SELECT DISTINCT l.order_line_id FROM booked_line b JOIN invoice_line l ON l.invoice_line_id = b.invoice_line_id
  WHERE b.order_line_id IS NULL AND l.order_line_id IS NOT NULL ON CONFLICT DO NOTHING;
  {{ include: invoice_reconciliation/transfer_unmatched }}
  RETURN write_entry_lines(run_in);
END $$;

-- Book the invoices of work_booking. Callers have checked the authority of each; amounts come from stored facts alone. Those
-- of a company code without an open period stay unbooked, and work_booking keeps what is booked.
CREATE OR REPLACE FUNCTION ledger.book_invoices(run_in bigint) RETURNS bigint
LANGUAGE plpgsql SET search_path = ledger, purchasing, pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  TRUNCATE work_entry_line;
  DELETE FROM work_booking b USING invoice i WHERE i.invoice_id = b.invoice_id AND i.entity <> ALL (ARRAY(SELECT p.entity FROM posting_day p));
  INSERT INTO gr_ir (order_line_id)
  SELECT DISTINCT l.order_line_id FROM work_booking b JOIN invoice_line l ON l.invoice_id = b.invoice_id WHERE l.order_line_id IS NOT NULL ON CONFLICT DO NOTHING;
  {{ include: invoice_reconciliation/book_invoices }}
  RETURN write_entry_lines(run_in);
END $$;

-- Entries of these invoices that a reversal would undo: all that are not undone yet, transfers included.
CREATE OR REPLACE FUNCTION ledger.entries_to_reverse(invoices bigint[]) RETURNS SETOF ledger.journal_entry
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT e.* FROM ledger.journal_entry e
  WHERE e.invoice_id = ANY (invoices) AND e.event <> 'reversal' AND NOT EXISTS (SELECT FROM ledger.journal_entry r WHERE r.reverses_entry_id = e.entry_id) ORDER BY e.entry_id
$$;

-- The lines that undo an entry: each with its sides exchanged. What a reversal writes and what a case shows of it is this.
CREATE OR REPLACE FUNCTION ledger.reversal_lines(entry_in bigint) RETURNS SETOF ledger.journal_line
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT l.entry_id, l.line_no, l.account, l.credit, l.debit, l.currency, l.ledger_credit, l.ledger_debit, l.order_line_id, l.supplier_id, 'reversal: ' || l.purpose
  FROM ledger.journal_line l WHERE l.entry_id = entry_in ORDER BY l.line_no
$$;

-- Is what exceeds its reference above the limit? No limit = not checked; of two, either (or with lenient both) must be exceeded.
CREATE OR REPLACE FUNCTION ledger.above_limit(excess numeric, reference numeric, pct numeric, absolute numeric, lenient boolean) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN excess > 0 AND CASE WHEN lenient AND pct IS NOT NULL AND absolute IS NOT NULL THEN excess * 100 > pct * reference AND excess > absolute
                           ELSE coalesce(excess * 100 > pct * reference, false) OR coalesce(excess > absolute, false) END;

CREATE OR REPLACE FUNCTION ledger.coverage_limits(order_lines bigint[], on_day date, tolerances text)
RETURNS TABLE (order_line_id bigint, ordered_pct numeric, ordered_abs numeric, ordered_lenient boolean, received_pct numeric, received_abs numeric, received_lenient boolean,
               value_pct numeric, value_abs numeric, value_lenient boolean, unreceived_abs numeric)
LANGUAGE sql STABLE SET search_path = ledger, purchasing, pg_catalog, pg_temp AS $$
  {{ include: invoice_reconciliation/resolve_coverage_limits }}
$$;

-- Block booked invoices that are free, and withdraw what was proposed of them.
CREATE OR REPLACE FUNCTION ledger.raise_blocks(run_in bigint, why text, invoices bigint[]) RETURNS bigint
LANGUAGE plpgsql SET search_path = ledger, purchasing, pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE raised bigint;
BEGIN
  WITH risen AS (
    UPDATE invoice_status st SET payment_block = true
    WHERE st.invoice_id = ANY (invoices) AND st.booking_no IS NOT NULL AND NOT st.payment_block AND st.state <> 'rejected' RETURNING st.invoice_id
  ), withdrawn AS (
    UPDATE payment_proposal p SET state = 'withdrawn' FROM risen r WHERE p.invoice_id = r.invoice_id AND p.state = 'proposed' RETURNING p.invoice_id
  ), done AS (
    SELECT i.content_hash, 1 AS place, 'payment block raised' AS effect FROM risen r JOIN invoice i ON i.invoice_id = r.invoice_id
    UNION ALL
    SELECT i.content_hash, 2, 'payment proposal withdrawn' FROM withdrawn w JOIN invoice i ON i.invoice_id = w.invoice_id
  ), recorded AS (
    SELECT count(*) FILTER (WHERE d.place = 1) AS n, array_agg('invoice:' || encode(d.content_hash, 'hex') ORDER BY d.content_hash, d.place) AS subjects,
           array_agg(audit.object('effect', audit.text(d.effect), 'reason', audit.text(why), 'run_id', audit.text(run_in::text), 'at', audit.text(ops.utc(now()))) ORDER BY d.content_hash, d.place) AS bodies
    FROM done d
  )
  SELECT r.n INTO raised FROM recorded r LEFT JOIN LATERAL (SELECT audit.append_many('effect', r.subjects, r.bodies) WHERE r.n > 0) AS done(ok) ON true;
  RETURN raised;
END $$;

-- Free or block what is booked, and propose for payment what is free. Each decision is checked here again. work_booking holds
-- what this transaction has booked.
CREATE OR REPLACE FUNCTION ledger.settle_blocks(run_in bigint, OUT unblocked bigint, OUT blocked bigint, OUT proposed bigint)
LANGUAGE plpgsql SET search_path = ledger, purchasing, pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE stale text[];
BEGIN
  {{ include: invoice_reconciliation/settle_blocks }}
END $$;

-- What the active policy's decisions, or people's, let be booked now: into work_booking, each checked on the facts of now.
CREATE OR REPLACE FUNCTION ledger.fill_work_booking(process_in text) RETURNS void
LANGUAGE plpgsql SET search_path = ledger, purchasing, pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  TRUNCATE work_booking;
  INSERT INTO work_booking (invoice_id, decision_id, payment_block)
  -- the entry names the person whose answer let it be booked, if it was one
  SELECT st.invoice_id, coalesce(a.decision_id, (SELECT max(h.release_decision_id) FROM hold h WHERE h.invoice_id = st.invoice_id AND h.effect = 'B' AND h.release_kind = 'person'), d.decision_id),
         CASE WHEN a.invoice_id IS NULL THEN d.outcome <> 'approve' ELSE st.state <> 'matched' END OR EXISTS (SELECT FROM hold h WHERE h.invoice_id = st.invoice_id AND h.released_at IS NULL AND h.effect = 'P')
  FROM invoice_status st
  JOIN invoice i ON i.invoice_id = st.invoice_id
  JOIN LATERAL last_decision(process_in, st.invoice_id) d ON d.maker = 'machine'
  JOIN active_policy p ON p.policy_id = d.policy_id AND p.version = d.policy_version AND p.sha256 = d.policy_sha256
  JOIN evidence_of(ARRAY(SELECT x.invoice_id FROM invoice_status x WHERE x.booking_no IS NULL AND x.state IN ('matched', 'waiting_receipt', 'held'))) e
    ON e.invoice_id = st.invoice_id AND e.evidence_hash = d.evidence_hash
  LEFT JOIN approved_amount a ON a.invoice_id = st.invoice_id
  WHERE st.booking_no IS NULL AND st.state IN ('matched', 'waiting_receipt', 'held')
    AND i.currency = p.currency AND (abs(i.gross_total) <= p.machine_limit OR a.invoice_id IS NOT NULL)
    AND NOT EXISTS (SELECT FROM match_queue q WHERE q.invoice_id = st.invoice_id)
    AND NOT EXISTS (SELECT FROM hold h WHERE h.invoice_id = st.invoice_id AND h.released_at IS NULL AND h.effect = 'B')
    AND NOT (d.outcome = 'approve' AND st.state <> 'matched');
END $$;

-- Post what the active policy's decisions allow: receipts, invoices (blocked where a P hold stands), payment proposals. What a person has to
-- sign for as a batch is kept back (review.withhold_unsigned).
CREATE OR REPLACE FUNCTION ledger.post_entries(run_in bigint, OUT receipts bigint, OUT invoices bigint, OUT unblocked bigint, OUT blocked bigint, OUT proposed bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, purchasing, pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE this_run ops.run;
BEGIN
  SELECT * INTO STRICT this_run FROM ops.run r WHERE r.run_id = run_in;
  PERFORM ops.lock_process(this_run.process);
  PERFORM ops.rehearse(this_run);
  receipts := post_receipts(run_in);
  PERFORM transfer_unmatched(run_in);
  PERFORM fill_work_booking(this_run.process);
  PERFORM review.withhold_unsigned(this_run);
  invoices := book_invoices(run_in);
  SELECT s.unblocked, s.blocked, s.proposed INTO unblocked, blocked, proposed FROM settle_blocks(run_in) AS s;
END $$;
