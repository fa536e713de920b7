-- Working set of one matching transaction; emptied at its start. Unlogged: a crash rolls the transaction back anyhow. The large
-- ones (work_line, work_doubtful, work_verdict, work_hold) are made anew each time, in parallel, by the statement that fills them.
DROP TABLE IF EXISTS ledger.work_scope, ledger.work_repetition, ledger.work_invoice, ledger.work_tolerance, ledger.work_document_limit,
  ledger.work_unbookable, ledger.work_credit, ledger.work_waiting_line;
CREATE UNLOGGED TABLE ledger.work_scope (invoice_id bigint NOT NULL, in_scope boolean NOT NULL, queued boolean NOT NULL);
-- Documents of one supplier group and kind whose numbers are equal, confusable or permuted.
CREATE UNLOGGED TABLE ledger.work_repetition (invoice_id bigint NOT NULL, other_invoice_id bigint NOT NULL);
CREATE UNLOGGED TABLE ledger.work_invoice (
  -- evaluated: it was judged before, so it and its lines have a state
  invoice_id bigint NOT NULL, in_scope boolean NOT NULL, evaluated boolean NOT NULL, entity text NOT NULL, is_credit boolean NOT NULL,
  supplier_id text, currency text NOT NULL, invoice_date date NOT NULL,
  -- rank in business order: booked first, then document date, number (normalised, then as written), content
  document_order bigint NOT NULL, booking_no bigint,
  -- above what the machine may decide, and nobody approved it
  above_limit boolean NOT NULL,
  -- repeated: an exact repetition that is unbooked and that nobody has accepted
  duplicate text, other_invoice_id bigint, repeated boolean NOT NULL DEFAULT false, total_arith text, total_arith_off numeric, total_arith_limit numeric,
  tax_off numeric, tax_limit numeric, tax_facts jsonb, not_evaluable text, blocked boolean NOT NULL DEFAULT false
);
CREATE UNLOGGED TABLE ledger.work_tolerance (
  tolerance_id bigint NOT NULL, scope text NOT NULL,
  qty_ord_pct numeric, qty_ord_abs numeric, qty_ord_lenient boolean NOT NULL,
  qty_rec_pct numeric, qty_rec_abs numeric, qty_rec_lenient boolean NOT NULL,
  amt_rec_pct numeric, amt_rec_abs numeric, amt_rec_lenient boolean NOT NULL,
  no_receipt_abs numeric,
  price_pct numeric, price_abs numeric, price_lenient boolean NOT NULL,
  credit_excess_abs numeric, line_arith_abs numeric
);
CREATE UNLOGGED TABLE ledger.work_document_limit (entity text NOT NULL, code text NOT NULL, up_abs numeric NOT NULL);
-- Invoices that cannot be booked now: what is credited is not compared with them.
CREATE UNLOGGED TABLE ledger.work_unbookable (invoice_id bigint NOT NULL);
-- Credit notes on their order lines: judge_credit_notes.
CREATE UNLOGGED TABLE ledger.work_credit (
  order_line_id bigint NOT NULL, invoice_id bigint NOT NULL, quantity numeric NOT NULL, amount numeric NOT NULL, in_excess boolean NOT NULL,
  credited_quantity numeric NOT NULL, credited_value numeric NOT NULL, billed_quantity numeric NOT NULL, billed_value numeric NOT NULL, credited boolean NOT NULL
);
CREATE UNLOGGED TABLE ledger.work_waiting_line (invoice_line_id bigint, invoice_id bigint NOT NULL);
