-- The working set of one matching transaction: what is queued, everything that shares an order line with it, and what
-- those order lines received. Scope = judged and written; the rest only counts in running totals.
CREATE OR REPLACE FUNCTION ledger.fill_work_invoices() RETURNS void
LANGUAGE plpgsql SET search_path = ledger, purchasing, pg_catalog, pg_temp AS $$
BEGIN
  TRUNCATE work_scope, work_invoice, work_line, work_order_line, work_tolerance, work_verdict, work_hold, work_waiting_line;
  INSERT INTO work_scope SELECT q.invoice_id, true FROM match_queue q;
  -- whatever shares an order line with a queued document is judged again; what shares one with those only counts
  INSERT INTO work_scope
  SELECT DISTINCT o.invoice_id, true FROM match_queue q
  JOIN invoice_line l ON l.invoice_id = q.invoice_id
  JOIN invoice_line o ON o.order_line_id = l.order_line_id AND o.invoice_id <> l.invoice_id
  WHERE NOT EXISTS (SELECT FROM match_queue x WHERE x.invoice_id = o.invoice_id);
  INSERT INTO work_scope
  SELECT DISTINCT o.invoice_id, false FROM work_scope s
  JOIN invoice_line l ON l.invoice_id = s.invoice_id
  JOIN invoice_line o ON o.order_line_id = l.order_line_id AND o.invoice_id <> l.invoice_id
  WHERE NOT EXISTS (SELECT FROM match_queue x WHERE x.invoice_id = s.invoice_id)
    AND NOT EXISTS (SELECT FROM work_scope x WHERE x.invoice_id = o.invoice_id);
  INSERT INTO work_invoice (invoice_id, in_scope, entity, is_credit, booking_no, document_order)
  SELECT p.invoice_id, p.in_scope, i.entity, i.kind = 'credit_note', st.booking_no,
         row_number() OVER (ORDER BY st.booking_no NULLS LAST, i.invoice_date, i.number_key, i.invoice_number COLLATE "C", i.content_hash)
  FROM work_scope p JOIN invoice i ON i.invoice_id = p.invoice_id LEFT JOIN invoice_status st ON st.invoice_id = p.invoice_id
  WHERE st.state IS DISTINCT FROM 'rejected';
  ANALYZE work_invoice;
END $$;

-- Duplicates (accounts-payable DUP_EXACT, DUP_LIKELY): the later document in business order carries the code.
CREATE OR REPLACE FUNCTION ledger.find_duplicates() RETURNS void
LANGUAGE plpgsql SET search_path = ledger, purchasing, pg_catalog, pg_temp AS $$
BEGIN
  {{ include: invoice_reconciliation/find_duplicates }}
END $$;

CREATE OR REPLACE FUNCTION ledger.check_documents(business_day date, tolerances text) RETURNS void
LANGUAGE plpgsql SET search_path = ledger, purchasing, pg_catalog, pg_temp AS $$
BEGIN
  {{ include: invoice_reconciliation/check_documents }}
END $$;

-- One wide row of limits per entity, and one per order line for which a narrower scope says something.
CREATE OR REPLACE FUNCTION ledger.fill_work_tolerances(business_day date, tolerances text) RETURNS void
LANGUAGE plpgsql SET search_path = ledger, purchasing, pg_catalog, pg_temp AS $$
BEGIN
  {{ include: invoice_reconciliation/resolve_tolerances }}
END $$;

CREATE OR REPLACE FUNCTION ledger.fill_work_order_lines() RETURNS void
LANGUAGE plpgsql SET search_path = ledger, purchasing, pg_catalog, pg_temp AS $$
BEGIN
  {{ include: invoice_reconciliation/gather_order_lines }}
  ANALYZE work_order_line;
END $$;

CREATE OR REPLACE FUNCTION ledger.fill_work_lines() RETURNS void
LANGUAGE plpgsql SET search_path = ledger, purchasing, pg_catalog, pg_temp AS $$
BEGIN
  {{ include: invoice_reconciliation/gather_lines }}
  ANALYZE work_line;
END $$;
