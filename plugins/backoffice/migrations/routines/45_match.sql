-- Candidate holds of the working set, unpivoted from the verdicts: only rows on which something stands.
CREATE OR REPLACE FUNCTION ledger.fill_work_holds() RETURNS void
LANGUAGE plpgsql SET search_path = ledger, purchasing, pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  {{ include: invoice_reconciliation/list_holds }}
END $$;

-- Match what is queued: verdict per line, holds raised and cleared by facts, state per line and invoice. Books nothing.
-- Retried, cleared or run twice it finds the queue empty and changes nothing.
-- Settings by measurement: at a million groups sorting sums twice as fast as hashing, and takes less memory.
CREATE OR REPLACE FUNCTION ledger.match_invoices(run_in bigint, tolerance_set_in text DEFAULT NULL,
  OUT invoices bigint, OUT lines bigint, OUT holds_opened bigint, OUT holds_released bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, purchasing, pg_catalog, pg_temp SET work_mem = '256MB' SET jit = off SET parallel_tuple_cost = 0.01 SET enable_hashagg = off AS $$
#variable_conflict use_column
DECLARE this_run ops.run; stale text[]; rule text; tolerances text; missing text;
BEGIN
  SELECT * INTO STRICT this_run FROM ops.run r WHERE r.run_id = run_in;
  PERFORM ops.lock_process(this_run.process);
  tolerances := coalesce(tolerance_set_in, (SELECT s.value FROM setting s WHERE s.name = 'tolerance_set'));
  IF NOT EXISTS (SELECT FROM tolerance t WHERE t.tolerance_set = tolerances) THEN
    RAISE EXCEPTION 'there is no tolerance set %; known are %', tolerances, (SELECT string_agg(DISTINCT t.tolerance_set, ', ') FROM tolerance t) USING ERRCODE = 'BO422';
  END IF;
  SELECT string_agg(c.code || ' of entity ' || e.entity, ', ' ORDER BY e.entity, c.code) INTO missing FROM ops.entity e CROSS JOIN (SELECT DISTINCT t.code FROM tolerance t) c
  WHERE NOT EXISTS (SELECT FROM tolerance t WHERE t.tolerance_set = tolerances AND t.code = c.code AND t.scope_rank >= 5 AND (t.entity IS NULL OR t.entity = e.entity)
    AND t.effective_from <= this_run.business_date AND (t.effective_to IS NULL OR t.effective_to >= this_run.business_date));
  IF missing IS NOT NULL THEN
    RAISE EXCEPTION 'tolerance set % has no row in force on % for %; a limit that is not checked is a row without percent and amount, not a missing row',
      tolerances, this_run.business_date, missing USING ERRCODE = 'BO422';
  END IF;
  PERFORM ops.rehearse(this_run, tolerances);
  stale := ops.stale_datasets(run_in);
  SELECT encode(sha256(convert_to(string_agg(t.sha256, '' ORDER BY t.name), 'UTF8')), 'hex') INTO rule
  FROM ops.installed_text t WHERE t.name LIKE 'include/sql/invoice_reconciliation/%';

  -- limits that came into force or ran out since the last run
  IF EXISTS (SELECT FROM tolerance t, (SELECT max(r.business_date) AS day FROM ops.run r WHERE r.process = this_run.process AND r.run_id < run_in AND NOT r.dry_run) last
             WHERE t.tolerance_set = tolerances AND (t.effective_from > last.day AND t.effective_from <= this_run.business_date
                OR t.effective_to >= last.day AND t.effective_to < this_run.business_date)) THEN
    {{ include: invoice_reconciliation/queue_open_invoices }}
  END IF;
  PERFORM fill_work_invoices();
  PERFORM find_duplicates();
  PERFORM fill_work_tolerances(this_run.business_date, tolerances);
  PERFORM fill_work_lines();
  PERFORM check_documents();
  PERFORM fill_work_credits();
  {{ include: invoice_reconciliation/write_verdicts }}
  PERFORM fill_work_holds();

  -- 1. what a missing source may still clear is no new hold: the line waits for the source
  UPDATE work_invoice w SET blocked = true
  WHERE w.in_scope AND EXISTS (SELECT FROM work_hold h JOIN hold_code c ON c.code = h.code
    WHERE h.invoice_id = w.invoice_id AND c.depends_on = ANY (stale)
      AND NOT EXISTS (SELECT FROM hold o WHERE o.invoice_id = h.invoice_id AND o.invoice_line_id IS NOT DISTINCT FROM h.invoice_line_id AND o.code = h.code AND o.released_at IS NULL));
  INSERT INTO work_waiting_line
  SELECT h.invoice_line_id, h.invoice_id FROM work_hold h JOIN hold_code c ON c.code = h.code
  WHERE c.depends_on = ANY (stale)
    AND NOT EXISTS (SELECT FROM hold o WHERE o.invoice_id = h.invoice_id AND o.invoice_line_id IS NOT DISTINCT FROM h.invoice_line_id AND o.code = h.code AND o.released_at IS NULL);
  DELETE FROM work_hold h USING hold_code c
  WHERE c.code = h.code AND c.depends_on = ANY (stale)
    AND NOT EXISTS (SELECT FROM hold o WHERE o.invoice_id = h.invoice_id AND o.invoice_line_id IS NOT DISTINCT FROM h.invoice_line_id AND o.code = h.code AND o.released_at IS NULL);

  -- 2. holds that the facts no longer support are released; those whose facts changed are replaced, so a case sees the change
  WITH gone AS (
    UPDATE hold o SET released_at = now(),
      release_kind = CASE WHEN EXISTS (SELECT FROM work_hold h WHERE h.invoice_id = o.invoice_id AND h.invoice_line_id IS NOT DISTINCT FROM o.invoice_line_id AND h.code = o.code)
                          THEN 'superseded' ELSE 'facts' END
    FROM work_invoice w
    WHERE w.invoice_id = o.invoice_id AND w.in_scope AND o.released_at IS NULL AND o.code NOT IN ('APPROVAL', 'TAKEN_OUT')
      AND NOT EXISTS (SELECT FROM work_hold h WHERE h.invoice_id = o.invoice_id AND h.invoice_line_id IS NOT DISTINCT FROM o.invoice_line_id
                        AND h.code = o.code AND h.evidence_hash = o.evidence_hash AND h.effect = o.effect)
    RETURNING o.release_kind
  )
  SELECT count(*) FILTER (WHERE release_kind = 'facts') INTO holds_released FROM gone;

  -- 3. new holds; one that a person released on exactly these facts stays released
  INSERT INTO hold (invoice_id, invoice_line_id, code, effect, measured, limit_value, limit_unit, scope, facts, evidence_hash, rule_sha256, opened_run)
  SELECT h.invoice_id, h.invoice_line_id, h.code, h.effect, h.measured, h.limit_value, h.limit_unit, h.scope, h.facts, h.evidence_hash, coalesce(rule, ''), run_in
  FROM work_hold h
  WHERE NOT EXISTS (SELECT FROM hold o WHERE o.invoice_id = h.invoice_id AND o.invoice_line_id IS NOT DISTINCT FROM h.invoice_line_id
                      AND o.code = h.code AND (o.released_at IS NULL OR (o.release_kind = 'person' AND o.evidence_hash = h.evidence_hash)));
  GET DIAGNOSTICS holds_opened = ROW_COUNT;

  -- 4. the state of each line, then of each invoice
  {{ include: invoice_reconciliation/write_states }}

  SELECT count(*) INTO invoices FROM work_invoice WHERE in_scope;
  SELECT count(*) INTO lines FROM work_line WHERE in_scope;
  DELETE FROM match_queue q USING work_invoice w WHERE w.invoice_id = q.invoice_id AND w.in_scope AND NOT w.blocked;
  DELETE FROM match_queue q USING invoice_status st WHERE st.invoice_id = q.invoice_id AND st.state = 'rejected'; -- refused while it waited
END $$;

-- Which receipt covers which invoice line, anew for the order lines that were just matched. Explains verdicts and takes part in
-- none; called after match_invoices in the same transaction. Run again it changes nothing.
CREATE OR REPLACE FUNCTION ledger.allocate_receipts(run_in bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, purchasing, pg_catalog, pg_temp SET work_mem = '256MB' SET jit = off AS $$
#variable_conflict use_column
DECLARE this_run ops.run; written bigint;
BEGIN
  SELECT * INTO STRICT this_run FROM ops.run r WHERE r.run_id = run_in;
  PERFORM ops.lock_process(this_run.process);
  PERFORM ops.rehearse(this_run);
  {{ include: invoice_reconciliation/allocate_receipts }}
  GET DIAGNOSTICS written = ROW_COUNT;
  RETURN written;
END $$;
