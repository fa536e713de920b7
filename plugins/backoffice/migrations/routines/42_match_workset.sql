-- The working set of one matching transaction: what is queued, everything that shares an order line with it, and what
-- those order lines received. Scope = judged and written; the rest only counts in running totals.
CREATE OR REPLACE FUNCTION ledger.fill_work_invoices() RETURNS void
LANGUAGE plpgsql SET search_path = ledger, purchasing, pg_catalog, pg_temp AS $$
BEGIN
  TRUNCATE work_scope, work_repetition, work_invoice, work_tolerance, work_document_limit, work_unbookable, work_credit, work_waiting_line;
  {{ include: invoice_reconciliation/gather_documents }}
  ANALYZE work_invoice;
END $$;

-- Duplicates (accounts-payable DUP_EXACT, DUP_LIKELY): the later document in business order carries the code.
CREATE OR REPLACE FUNCTION ledger.find_duplicates() RETURNS void
LANGUAGE plpgsql SET search_path = ledger, purchasing, pg_catalog, pg_temp AS $$
BEGIN
  {{ include: invoice_reconciliation/find_duplicates }}
END $$;

DROP FUNCTION IF EXISTS ledger.check_documents(date, text);
CREATE OR REPLACE FUNCTION ledger.check_documents() RETURNS void
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

CREATE OR REPLACE FUNCTION ledger.fill_work_lines() RETURNS void
LANGUAGE plpgsql SET search_path = ledger, purchasing, pg_catalog, pg_temp AS $$
BEGIN
  {{ include: invoice_reconciliation/gather_lines }}
  ANALYZE work_line;
  IF EXISTS (SELECT FROM work_line WHERE uom_unmapped) THEN
    {{ include: invoice_reconciliation/convert_units }}
  END IF;
  IF EXISTS (SELECT FROM work_line WHERE uom_unmapped OR ordered_value IS NOT NULL) THEN
    {{ include: invoice_reconciliation/mark_unjudged }}
  END IF;
END $$;

CREATE OR REPLACE FUNCTION ledger.fill_work_credits() RETURNS void
LANGUAGE plpgsql SET search_path = ledger, purchasing, pg_catalog, pg_temp AS $$
BEGIN
  {{ include: invoice_reconciliation/list_unbookable }}
  ANALYZE work_unbookable;
  INSERT INTO work_credit (order_line_id, invoice_id, quantity, amount, in_excess, credited_quantity, credited_value, billed_quantity, billed_value, credited)
  {{ include: invoice_reconciliation/judge_credit_notes }};
  ANALYZE work_credit;
END $$;

-- What matching compares with has changed: whatever is open is judged anew by the next run.
CREATE OR REPLACE FUNCTION ledger.queue_open_invoices() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, purchasing, pg_catalog, pg_temp AS $$
BEGIN
  {{ include: invoice_reconciliation/queue_open_invoices }}
  RETURN NULL;
END $$;
DO $$
DECLARE compared text;
BEGIN
  FOREACH compared IN ARRAY ARRAY['ledger.tolerance', 'ledger.setting', 'purchasing.uom_factor'] LOOP
    EXECUTE format('DROP TRIGGER IF EXISTS judge_anew ON %s', compared);
    EXECUTE format('CREATE TRIGGER judge_anew AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION ledger.queue_open_invoices()', compared);
  END LOOP;
END $$;
