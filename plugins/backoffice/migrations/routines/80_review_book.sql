-- Reverse the entries of a booked invoice, transfers included: every line with its sides exchanged, on the day of the reversal.
CREATE OR REPLACE FUNCTION ledger.reverse_invoice(invoice_in bigint, decision_in bigint, run_in bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE entry ledger.journal_entry; d ledger.decision; posting record; reversal bigint; subject text;
BEGIN
  SELECT * INTO STRICT d FROM ledger.decision x WHERE x.decision_id = decision_in;
  SELECT 'invoice:' || encode(i.content_hash, 'hex') INTO STRICT subject FROM purchasing.invoice i WHERE i.invoice_id = invoice_in;
  UPDATE ledger.gr_ir g SET billed_value = g.billed_value - s.amount, billed_quantity = g.billed_quantity - s.quantity
  FROM (SELECT b.order_line_id, sum(b.quantity) AS quantity,
          (SELECT coalesce(sum(l.debit - l.credit), 0) FROM ledger.journal_entry e JOIN ledger.journal_line l ON l.entry_id = e.entry_id
           WHERE e.invoice_id = invoice_in AND l.order_line_id = b.order_line_id AND l.account IN (SELECT a.account FROM ledger.account_role a WHERE a.role = 'gr_ir')) AS amount
        FROM ledger.booked_line b WHERE b.invoice_id = invoice_in AND b.order_line_id IS NOT NULL GROUP BY b.order_line_id) s
  WHERE g.order_line_id = s.order_line_id;
  DELETE FROM ledger.booked_line b WHERE b.invoice_id = invoice_in;
  FOR entry IN SELECT * FROM ledger.entries_to_reverse(ARRAY[invoice_in])
  LOOP
    SELECT p.day, p.period INTO posting FROM ledger.posting_day p WHERE p.entity = entry.entity;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'company code % has no open fiscal period ahead; open one in ledger.fiscal_period', entry.entity USING ERRCODE = 'BO500';
    END IF;
    INSERT INTO ledger.journal_entry (entity, business_key, event, posting_date, document_date, period, invoice_id, decision_id, reverses_entry_id, person_id, reason_code, case_id, run_id)
    VALUES (entry.entity, 'reversal/' || entry.business_key, 'reversal', posting.day, entry.document_date, posting.period, invoice_in, decision_in, entry.entry_id, d.person_id, d.reason_code, d.case_id, run_in)
    RETURNING entry_id INTO reversal;
    INSERT INTO ledger.journal_line (entry_id, line_no, account, debit, credit, currency, ledger_debit, ledger_credit, order_line_id, supplier_id, purpose)
    SELECT reversal, l.line_no, l.account, l.debit, l.credit, l.currency, l.ledger_debit, l.ledger_credit, l.order_line_id, l.supplier_id, l.purpose
    FROM ledger.reversal_lines(entry.entry_id) l;
    UPDATE ledger.open_item o SET closed_by_entry = reversal WHERE o.opened_by_entry = entry.entry_id;
    PERFORM audit.append('effect', subject, audit.object('effect', audit.text('journal entry'), 'business_key', audit.text('reversal/' || entry.business_key), 'event', audit.text('reversal'),
      'reverses', audit.text(entry.business_key), 'entity', audit.text(entry.entity), 'period', audit.text(posting.period), 'posting_date', audit.text(posting.day::text),
      'document_date', audit.text(entry.document_date::text), 'decision_id', audit.text(decision_in::text), 'person_id', audit.text(d.person_id), 'case_id', audit.text(d.case_id::text),
      'reason_code', audit.text(d.reason_code), 'lines', (SELECT '[' || string_agg(ledger.line_text(l), ',' ORDER BY l.line_no) || ']' FROM ledger.journal_line l WHERE l.entry_id = reversal),
      'run_id', audit.text(run_in::text), 'at', audit.text(ops.utc(now()))));
  END LOOP;
  UPDATE ledger.payment_proposal p SET state = 'withdrawn' WHERE p.invoice_id = invoice_in AND p.state = 'proposed';
  IF FOUND THEN
    PERFORM audit.append('effect', subject, audit.object('effect', audit.text('payment proposal withdrawn'), 'reason', audit.text('rejected'), 'decision_id', audit.text(decision_in::text),
      'run_id', audit.text(run_in::text), 'at', audit.text(ops.utc(now()))));
  END IF;
END $$;

-- What has to be compared anew when an answer changed what counts: the document itself, what shares its order lines and what
-- repeats its number. What is rejected stays out.
CREATE OR REPLACE FUNCTION ledger.queue_related(invoice_in bigint) RETURNS void
LANGUAGE sql SET search_path = ledger, purchasing, pg_catalog, pg_temp AS $$
  INSERT INTO match_queue (invoice_id)
  SELECT s.invoice_id FROM invoice_status s
  WHERE s.state <> 'rejected' AND s.invoice_id IN (
    SELECT invoice_in
    UNION ALL
    SELECT o.invoice_id FROM invoice_line l JOIN invoice_line o ON o.order_line_id = l.order_line_id WHERE l.invoice_id = invoice_in
    UNION ALL
    SELECT o.invoice_id FROM invoice i JOIN invoice o ON o.similar_number = i.similar_number WHERE i.invoice_id = invoice_in)
  ON CONFLICT DO NOTHING
$$;

-- Book every final answer of the process that is not booked yet, whichever run opened its case. Each answer once. Answers about
-- invoices of a company code without an open period wait for one.
-- An answer whose holds were released or replaced by facts meanwhile books nothing and its case goes back to open.
CREATE OR REPLACE FUNCTION review.book_answers(run_in bigint, process_in text, OUT booked bigint, OUT stale bigint, OUT entries bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE a record; result text; accepted bigint[] := '{}'; released bigint[]; signed boolean := false; held bigint; subjects text[]; bodies text[];
BEGIN
  booked := 0; stale := 0; entries := 0;
  PERFORM ops.lock_process(process_in);
  PERFORM ops.rehearse(r) FROM ops.run r WHERE r.run_id = run_in;
  FOR a IN
    SELECT n.*, c.subject_kind, c.subject_id, c.subject_key, c.role, c.process FROM review.answer n JOIN review.case c ON c.case_id = n.case_id
    WHERE n.booked_at IS NULL AND n.final AND c.process = process_in AND c.state = 'decided' AND NOT review.is_test_case(c.case_id)
      AND (c.subject_kind = 'quarantine' OR EXISTS (SELECT FROM ledger.posting_day p WHERE p.entity = c.entity)) ORDER BY n.answer_id FOR UPDATE OF n, c
  LOOP
    released := NULL;
    IF a.subject_kind = 'quarantine' THEN
      result := review.settle_quarantine(a.answer_id, run_in);
    ELSIF a.subject_kind = 'batch_signoff' THEN
      result := review.settle_batch(a.answer_id, run_in);
      signed := signed OR result = 'accepted';
    ELSIF review.invoice_evidence(a.subject_id, a.role) <> a.evidence_hash THEN
      result := 'stale';
    ELSIF a.action = 'reject' THEN
      PERFORM ledger.reverse_invoice(a.subject_id, a.decision_id, run_in);
      WITH gone AS (
        UPDATE ledger.hold h SET released_at = now(), release_kind = 'rejected', release_decision_id = a.decision_id WHERE h.invoice_id = a.subject_id AND h.released_at IS NULL RETURNING h.hold_id
      ) SELECT array_agg(g.hold_id ORDER BY g.hold_id) INTO released FROM gone g;
      UPDATE ledger.invoice_status st SET state = 'rejected', rejected_at = now() WHERE st.invoice_id = a.subject_id;
      WITH gone AS (
        UPDATE review.case c SET state = 'superseded', closed_at = now()
        WHERE c.subject_kind = 'invoice' AND c.subject_id = a.subject_id AND c.case_id <> a.case_id AND c.state IN ('open', 'half_decided') RETURNING c.case_id, c.role
      ) SELECT array_agg('invoice:' || a.subject_key), array_agg(audit.object('step', audit.text('case superseded by facts'), 'role', audit.text(g.role), 'case_id', audit.text(g.case_id::text),
          'at', audit.text(ops.utc(now()))) ORDER BY g.role) INTO subjects, bodies FROM gone g;
      IF subjects IS NOT NULL THEN
        PERFORM audit.append_many('path', subjects, bodies);
        PERFORM pg_notify('backoffice_review', '0');
      END IF;
      PERFORM ledger.queue_related(a.subject_id);
      result := 'rejected';
    ELSE
      WITH gone AS (
        UPDATE ledger.hold h SET released_at = now(), release_kind = 'person', release_decision_id = a.decision_id
        FROM review.asked_hold q, review.case_item x WHERE q.hold_id = h.hold_id AND q.releasable AND x.case_id = a.case_id AND x.hold_id = h.hold_id RETURNING h.hold_id
      ) SELECT array_agg(g.hold_id ORDER BY g.hold_id) INTO released FROM gone g;
      -- it can be booked from now on, so it counts for others; a repetition was not even compared with its order until now
      PERFORM ledger.queue_related(a.subject_id) WHERE EXISTS (
        SELECT FROM ledger.hold h WHERE h.invoice_id = a.subject_id AND h.release_decision_id = a.decision_id AND h.effect = 'B' AND h.code NOT IN ('APPROVAL', 'TAKEN_OUT'));
      -- an amount that is approved can be credited from now on
      INSERT INTO ledger.match_queue (invoice_id)
      SELECT DISTINCT c.invoice_id FROM purchasing.invoice_line l JOIN purchasing.invoice_line o ON o.order_line_id = l.order_line_id
      JOIN purchasing.invoice c ON c.invoice_id = o.invoice_id AND c.kind = 'credit_note' JOIN ledger.invoice_status s ON s.invoice_id = c.invoice_id AND s.state <> 'rejected'
      WHERE l.invoice_id = a.subject_id AND c.invoice_id <> a.subject_id
        AND EXISTS (SELECT FROM ledger.hold h WHERE h.invoice_id = a.subject_id AND h.release_decision_id = a.decision_id AND h.code = 'APPROVAL')
      ON CONFLICT DO NOTHING;
      accepted := accepted || a.answer_id;
      result := 'accepted';
    END IF;
    IF result = 'stale' THEN
      stale := stale + 1;
      UPDATE review.case c SET state = 'open' WHERE c.case_id = a.case_id;
      UPDATE review.answer n SET booked_at = now(), booked_run = run_in, booking_result = 'void: the facts changed before it was booked' WHERE n.answer_id = a.answer_id;
    ELSE
      booked := booked + 1;
      UPDATE review.case_item x SET settled_at = now(), settled_by = a.person_id WHERE x.case_id = a.case_id AND x.settled_at IS NULL;
      UPDATE review.case c SET state = 'settled', closed_at = now() WHERE c.case_id = a.case_id;
      UPDATE review.answer n SET booked_at = now(), booked_run = run_in, booking_result = result WHERE n.answer_id = a.answer_id;
    END IF;
    PERFORM audit.append('path', review.log_subject(a.subject_kind, a.subject_key), audit.object('step', audit.text('answer booked'),
      'answer_id', audit.text(a.answer_id::text), 'case_id', audit.text(a.case_id::text), 'decision_id', audit.text(a.decision_id::text), 'result', audit.text(result),
      'released_holds', (SELECT coalesce('[' || string_agg(audit.text(r::text), ',') || ']', '[]') FROM unnest(released) AS r), 'run_id', audit.text(run_in::text), 'at', audit.text(ops.utc(now()))));
  END LOOP;
  IF accepted <> '{}' THEN entries := ledger.post_accepted(run_in, accepted); END IF;
  IF signed THEN entries := entries + ledger.post_signed(run_in, process_in); END IF;
  held := review.hold_taken_out(run_in, process_in);
  PERFORM review.settle_test_cases(run_in, process_in);
  PERFORM review.settle_by_facts(process_in);
  IF stale > 0 OR held > 0 THEN
    PERFORM review.open_cases(run_in); -- who looks again sees the facts of now; what was taken out of a batch is a case of its own
  ELSIF booked > 0 THEN
    PERFORM review.gather_handovers(ARRAY(SELECT review.overtaken_cases(process_in)), run_in);
  END IF;
END $$;

DROP FUNCTION IF EXISTS ledger.post_accepted(bigint, text);
-- Invoices that these accepting answers freed from their last B hold are booked on their authority; blocks and proposals
-- follow. What another person rejected, before or after, stays rejected.
CREATE OR REPLACE FUNCTION ledger.post_accepted(run_in bigint, answers bigint[]) RETURNS bigint
LANGUAGE plpgsql SET search_path = ledger, purchasing, pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE entries bigint;
BEGIN
  UPDATE invoice_status st SET state = CASE
      WHEN NOT EXISTS (SELECT FROM hold h WHERE h.invoice_id = st.invoice_id AND h.released_at IS NULL AND h.effect <> 'W') THEN 'matched'
      WHEN NOT EXISTS (SELECT FROM hold h WHERE h.invoice_id = st.invoice_id AND h.released_at IS NULL AND h.effect <> 'W' AND h.code <> 'NO_RECEIPT') THEN 'waiting_receipt' ELSE 'held' END
  FROM review.answer n JOIN review.case c ON c.case_id = n.case_id
  WHERE n.answer_id = ANY (answers) AND c.subject_id = st.invoice_id AND st.state NOT IN ('waiting_source', 'rejected');
  UPDATE line_state ls SET state = CASE
      WHEN EXISTS (SELECT FROM hold h WHERE h.invoice_id = ls.invoice_id AND h.released_at IS NULL AND h.effect <> 'W' AND (h.invoice_line_id IS NULL OR h.invoice_line_id = ls.invoice_line_id AND h.code <> 'NO_RECEIPT')) THEN 'held'
      WHEN EXISTS (SELECT FROM hold h WHERE h.invoice_line_id = ls.invoice_line_id AND h.released_at IS NULL AND h.code = 'NO_RECEIPT') THEN 'waiting_receipt' ELSE 'matched' END
  FROM review.answer n JOIN review.case c ON c.case_id = n.case_id JOIN invoice_status st ON st.invoice_id = c.subject_id AND st.state <> 'rejected'
  WHERE n.answer_id = ANY (answers)
    AND ls.invoice_line_id IN (SELECT x.invoice_line_id FROM purchasing.invoice_line x WHERE x.invoice_id = c.subject_id) AND ls.state <> 'waiting_source';
  TRUNCATE work_booking;
  INSERT INTO work_booking (invoice_id, decision_id, payment_block)
  SELECT st.invoice_id, max(n.decision_id), EXISTS (SELECT FROM hold h WHERE h.invoice_id = st.invoice_id AND h.released_at IS NULL AND h.effect = 'P')
         OR EXISTS (SELECT FROM match_queue q WHERE q.invoice_id = st.invoice_id) -- facts that nobody compared yet: booked, not paid
  FROM review.answer n JOIN review.case c ON c.case_id = n.case_id JOIN invoice_status st ON st.invoice_id = c.subject_id JOIN invoice i ON i.invoice_id = st.invoice_id
  WHERE n.answer_id = ANY (answers) AND st.booking_no IS NULL AND st.state IN ('matched', 'held', 'waiting_receipt')
    AND NOT EXISTS (SELECT FROM hold h WHERE h.invoice_id = st.invoice_id AND h.released_at IS NULL AND h.effect = 'B')
    -- who accepts a receipt or a price has not signed for the batch that the entry stands in
    AND NOT EXISTS (SELECT FROM review.unsigned_posting x WHERE x.invoice_id = st.invoice_id)
    -- nor approved an amount that the machine may not decide: the next decision asks for that
    AND (EXISTS (SELECT FROM approved_amount a WHERE a.invoice_id = st.invoice_id) OR NOT EXISTS (SELECT FROM beyond_machine b WHERE b.invoice_id = st.invoice_id))
    -- whether something else blocks its posting was not compared while it was a repetition: the next match says
    AND NOT (EXISTS (SELECT FROM match_queue q WHERE q.invoice_id = st.invoice_id)
      AND EXISTS (SELECT FROM hold h WHERE h.invoice_id = st.invoice_id AND h.code = 'DUP_EXACT' AND h.release_kind = 'person')
      AND (i.kind = 'credit_note' OR EXISTS (SELECT FROM invoice_line l JOIN order_line o ON o.order_line_id = l.order_line_id AND o.match_type = 3 AND o.gr_based
                                             WHERE l.invoice_id = st.invoice_id)))
  GROUP BY st.invoice_id;
  entries := book_invoices(run_in);
  PERFORM settle_blocks(run_in);
  RETURN entries;
END $$;

CREATE OR REPLACE FUNCTION review.settle_quarantine(answer_in bigint, run_in bigint) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE a review.answer; q intake.quarantine;
BEGIN
  SELECT * INTO STRICT a FROM review.answer n WHERE n.answer_id = answer_in;
  SELECT x.* INTO STRICT q FROM review.case c JOIN intake.quarantine x ON x.quarantine_id = c.subject_id WHERE c.case_id = a.case_id FOR UPDATE OF x;
  IF a.action = 'ask_again' THEN
    INSERT INTO ops.outbox (idempotency_key, destination, written_by, sealed, payload)
    VALUES ('ask-again/' || encode(q.content_hash, 'hex'), 'supplier_message', a.person_id, a.sealed, jsonb_strip_nulls(jsonb_build_object(
      -- who sent an unreadable document is unknown: the answer goes to the message that brought it
      'supplier_id', nullif(q.row_content ->> 'seller_id', ''), 'in_reply_to', q.row_content ->> 'message_id',
      'subject', 'Please send your document again: ' || coalesce(q.business_key, q.row_content ->> 'filename', 'unreadable document'),
      'body', a.reason, 'reference', encode(q.content_hash, 'hex'))))
    ON CONFLICT (idempotency_key) DO NOTHING;
  END IF;
  UPDATE intake.quarantine x SET state = CASE a.action WHEN 'ask_again' THEN 'asked' WHEN 'read_again' THEN 'reread' ELSE 'discarded' END WHERE x.quarantine_id = q.quarantine_id;
  RETURN a.action;
END $$;
