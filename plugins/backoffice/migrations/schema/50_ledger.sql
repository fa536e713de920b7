-- ledger: policies and tolerances as data, verdicts, holds, decisions, the journal, open items, payment proposals.
CREATE TABLE ledger.account (
  account text PRIMARY KEY, name text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('asset', 'liability', 'expense', 'income', 'clearing'))
);
-- Which account each side of an entry uses, by entity ('*' = every entity).
CREATE TABLE ledger.account_role (
  entity text NOT NULL DEFAULT '*', role text NOT NULL, account text NOT NULL REFERENCES ledger.account,
  PRIMARY KEY (entity, role)
);
CREATE TABLE ledger.fiscal_period (
  entity text NOT NULL REFERENCES ops.entity, period text NOT NULL, starts_on date NOT NULL, ends_on date NOT NULL,
  state text NOT NULL CHECK (state IN ('open', 'closed')), PRIMARY KEY (entity, period), CHECK (starts_on <= ends_on)
);
CREATE TABLE ledger.holiday (entity text NOT NULL REFERENCES ops.entity, day date NOT NULL, name text NOT NULL, PRIMARY KEY (entity, day));

CREATE TABLE ledger.hold_code (
  code text PRIMARY KEY, effect text NOT NULL CHECK (effect IN ('B', 'P', 'W')),
  manual_release boolean NOT NULL, auto_release boolean NOT NULL, role text NOT NULL,
  -- the dataset whose absence tonight turns this hold into waiting for source
  depends_on text CHECK (depends_on IN ('suppliers', 'orders', 'receipts')),
  title text NOT NULL, sentence text NOT NULL, limit_unit text
);
-- NULL limit = not checked; 0 = no variance allowed. The most specific non-NULL field wins (scope_rank 1 is most specific).
CREATE TABLE ledger.tolerance (
  tolerance_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tolerance_set text NOT NULL, code text NOT NULL REFERENCES ledger.hold_code,
  entity text, category text, supplier_id text, item text, po_number text, po_line_key text,
  scope_rank smallint GENERATED ALWAYS AS (CASE
    WHEN po_line_key IS NOT NULL THEN 1 WHEN supplier_id IS NOT NULL AND item IS NOT NULL THEN 2
    WHEN supplier_id IS NOT NULL THEN 3 WHEN category IS NOT NULL THEN 4 WHEN entity IS NOT NULL THEN 5 ELSE 6 END) STORED,
  up_pct numeric(9,4), up_abs numeric(15,4), combine text CHECK (combine IN ('strictest', 'lenient')),
  effective_from date NOT NULL, effective_to date,
  CHECK ((po_number IS NULL) = (po_line_key IS NULL)), CHECK (up_pct >= 0 AND up_abs >= 0)
);
CREATE TABLE ledger.setting (name text PRIMARY KEY, value text NOT NULL);

CREATE TABLE ledger.policy_version (
  policy_id text NOT NULL, version integer NOT NULL, sha256 text NOT NULL, content text NOT NULL,
  machine_limit numeric(18,2) NOT NULL, currency char(3) NOT NULL,
  active_from timestamptz NOT NULL DEFAULT now(), active_until timestamptz, activated_by text NOT NULL,
  PRIMARY KEY (policy_id, version)
);
CREATE UNIQUE INDEX one_active_version ON ledger.policy_version (policy_id) WHERE active_until IS NULL;

-- What has to be looked at again: new invoices, and invoices whose order line changed or was received.
CREATE TABLE ledger.match_queue (invoice_id bigint PRIMARY KEY REFERENCES purchasing.invoice, queued_at timestamptz NOT NULL DEFAULT now());

CREATE TABLE ledger.line_state (
  invoice_line_id bigint PRIMARY KEY, invoice_id bigint NOT NULL, order_line_id bigint,
  state text NOT NULL CHECK (state IN ('matched', 'waiting_receipt', 'waiting_source', 'held')),
  matched_quantity numeric, billed_before numeric, received numeric, run_id bigint NOT NULL
);

CREATE INDEX line_not_matched ON ledger.line_state (invoice_line_id) WHERE state <> 'matched';

CREATE TABLE ledger.invoice_status (
  invoice_id bigint PRIMARY KEY REFERENCES purchasing.invoice,
  state text NOT NULL CHECK (state IN ('matched', 'waiting_receipt', 'waiting_source', 'held', 'rejected')),
  evaluated_run bigint NOT NULL, evaluated_at timestamptz NOT NULL DEFAULT now(),
  -- booking: NULL until booked; booking_no orders what is posted (posted allocations come first)
  booking_no bigint, payment_block boolean, rejected_at timestamptz,
  CHECK ((booking_no IS NULL) = (payment_block IS NULL))
);
CREATE INDEX invoice_not_final ON ledger.invoice_status (state) WHERE state <> 'matched';

CREATE TABLE ledger.hold (
  hold_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  invoice_id bigint NOT NULL REFERENCES purchasing.invoice, invoice_line_id bigint,
  code text NOT NULL REFERENCES ledger.hold_code, effect text NOT NULL CHECK (effect IN ('B', 'P', 'W')),
  measured numeric, limit_value numeric, limit_unit text, scope text, facts jsonb NOT NULL,
  evidence_hash bytea NOT NULL, rule_sha256 text NOT NULL,
  opened_run bigint NOT NULL, opened_at timestamptz NOT NULL DEFAULT now(),
  released_at timestamptz, release_kind text CHECK (release_kind IN ('facts', 'person', 'superseded', 'rejected')),
  release_decision_id bigint,
  CHECK ((released_at IS NULL) = (release_kind IS NULL))
);
CREATE UNIQUE INDEX one_open_hold ON ledger.hold (invoice_id, coalesce(invoice_line_id, 0), code) WHERE released_at IS NULL;
CREATE INDEX hold_by_invoice ON ledger.hold (invoice_id);
CREATE INDEX hold_approved ON ledger.hold (invoice_id) WHERE code = 'APPROVAL' AND release_kind = 'person';

CREATE TABLE ledger.decision (
  decision_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  process text NOT NULL, subject_kind text NOT NULL, subject_id bigint NOT NULL, subject_key text NOT NULL,
  maker text NOT NULL CHECK (maker IN ('machine', 'human')),
  outcome text NOT NULL, rule text NOT NULL, authority text NOT NULL,
  policy_id text, policy_version integer, policy_sha256 text,
  evidence_hash bytea NOT NULL, explanation jsonb NOT NULL,
  person_id text, case_id bigint, reason_code text, reason text,
  run_id bigint, decided_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX decision_by_run ON ledger.decision (run_id);
CREATE INDEX decision_by_subject ON ledger.decision (process, subject_kind, subject_id, decision_id DESC);

CREATE TABLE ledger.journal_entry (
  entry_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  entity text NOT NULL REFERENCES ops.entity, business_key text NOT NULL UNIQUE, event text NOT NULL,
  posting_date date NOT NULL, document_date date, period text NOT NULL,
  invoice_id bigint REFERENCES purchasing.invoice, receipt_line_id bigint REFERENCES purchasing.receipt_line,
  decision_id bigint REFERENCES ledger.decision, reverses_entry_id bigint REFERENCES ledger.journal_entry,
  person_id text, reason_code text, case_id bigint,
  run_id bigint, booked_at timestamptz NOT NULL DEFAULT now(),
  FOREIGN KEY (entity, period) REFERENCES ledger.fiscal_period (entity, period)
);
CREATE INDEX entry_by_invoice ON ledger.journal_entry (invoice_id);
CREATE UNIQUE INDEX one_reversal ON ledger.journal_entry (reverses_entry_id) WHERE reverses_entry_id IS NOT NULL;
CREATE INDEX entry_by_run ON ledger.journal_entry (run_id);
CREATE TABLE ledger.journal_line (
  entry_id bigint NOT NULL REFERENCES ledger.journal_entry, line_no integer NOT NULL,
  account text NOT NULL REFERENCES ledger.account, debit numeric(18,2) NOT NULL, credit numeric(18,2) NOT NULL,
  currency char(3) NOT NULL, ledger_debit numeric(18,2) NOT NULL, ledger_credit numeric(18,2) NOT NULL,
  order_line_id bigint REFERENCES purchasing.order_line, supplier_id text, purpose text NOT NULL,
  PRIMARY KEY (entry_id, line_no),
  CHECK (debit >= 0 AND credit >= 0 AND (debit = 0) <> (credit = 0)),
  CHECK (ledger_debit >= 0 AND ledger_credit >= 0)
);
CREATE INDEX journal_line_gr_ir ON ledger.journal_line (order_line_id) WHERE order_line_id IS NOT NULL;

-- Receipts that wait for their entry.
CREATE TABLE ledger.receipt_queue (receipt_line_id bigint PRIMARY KEY REFERENCES purchasing.receipt_line);
-- Running balance of GR/IR per order line, as booked. Derived: every run's report ties it to the journal.
CREATE TABLE ledger.gr_ir (
  order_line_id bigint PRIMARY KEY REFERENCES purchasing.order_line,
  received_quantity numeric NOT NULL DEFAULT 0, received_value numeric(18,2) NOT NULL DEFAULT 0,
  billed_quantity numeric NOT NULL DEFAULT 0, billed_value numeric(18,2) NOT NULL DEFAULT 0
);

CREATE TABLE ledger.open_item (
  invoice_id bigint PRIMARY KEY REFERENCES purchasing.invoice, entity text NOT NULL, supplier_id text,
  amount numeric(18,2) NOT NULL, currency char(3) NOT NULL, due_date date,
  opened_by_entry bigint NOT NULL REFERENCES ledger.journal_entry, closed_by_entry bigint REFERENCES ledger.journal_entry
);
CREATE TABLE ledger.payment_proposal (
  proposal_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  invoice_id bigint NOT NULL UNIQUE REFERENCES purchasing.invoice, amount numeric(18,2) NOT NULL, currency char(3) NOT NULL,
  pay_on date NOT NULL, decision_id bigint NOT NULL REFERENCES ledger.decision, run_id bigint,
  state text NOT NULL DEFAULT 'proposed' CHECK (state IN ('proposed', 'withdrawn')), proposed_at timestamptz NOT NULL DEFAULT now()
);

-- Working set of one matching transaction; emptied at its start. Unlogged: a crash rolls the transaction back anyhow.
CREATE UNLOGGED TABLE ledger.work_scope (invoice_id bigint NOT NULL, in_scope boolean NOT NULL);
CREATE UNLOGGED TABLE ledger.work_invoice (
  invoice_id bigint NOT NULL, in_scope boolean NOT NULL, entity text NOT NULL, is_credit boolean NOT NULL,
  -- rank in business order: booked first, then document date, number (normalised, then as written), content
  document_order bigint NOT NULL, booking_no bigint,
  duplicate text, other_invoice_id bigint, total_arith text, total_arith_off numeric, total_arith_limit numeric,
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
CREATE UNLOGGED TABLE ledger.work_order_line (
  order_line_id bigint NOT NULL, tolerance_id bigint NOT NULL, match_type smallint NOT NULL, gr_based boolean NOT NULL,
  amount_based boolean NOT NULL, quantity numeric, unit_price numeric, price_base_quantity numeric NOT NULL,
  quantity_scale numeric NOT NULL, receipts bigint NOT NULL, received numeric NOT NULL, received_value numeric NOT NULL,
  unknown_receipts bigint NOT NULL
);
CREATE UNLOGGED TABLE ledger.work_line (
  invoice_line_id bigint NOT NULL, invoice_id bigint NOT NULL, document_order bigint NOT NULL, order_line_id bigint,
  tolerance_id bigint NOT NULL, in_scope boolean NOT NULL, is_credit boolean NOT NULL, counts boolean NOT NULL, bookable boolean NOT NULL,
  supplier_mismatch boolean NOT NULL, currency_diff boolean NOT NULL, po_not_approved boolean NOT NULL, po_closed boolean NOT NULL,
  uom_unmapped boolean NOT NULL, line_arith boolean NOT NULL, order_gate text,
  scaled_quantity numeric NOT NULL, net_amount numeric NOT NULL
);
-- The verdicts on which a code stands; the others go straight into line_state.
CREATE UNLOGGED TABLE ledger.work_verdict (
  invoice_line_id bigint NOT NULL, invoice_id bigint NOT NULL, order_line_id bigint,
  qty_ord boolean NOT NULL, qty_rec boolean NOT NULL, amt_rec boolean NOT NULL, no_receipt boolean NOT NULL,
  price boolean NOT NULL, credit_excess boolean NOT NULL,
  quantity_after numeric, value_after numeric, credited_quantity numeric, credited_value numeric,
  billed_quantity numeric, billed_value numeric
);
CREATE UNLOGGED TABLE ledger.work_hold (
  invoice_id bigint NOT NULL, invoice_line_id bigint, code text NOT NULL, effect text NOT NULL,
  measured numeric, limit_value numeric, limit_unit text, scope text, facts jsonb NOT NULL, evidence_hash bytea
);
CREATE UNLOGGED TABLE ledger.work_waiting_line (invoice_line_id bigint, invoice_id bigint NOT NULL);
CREATE UNLOGGED TABLE ledger.work_booking (invoice_id bigint NOT NULL PRIMARY KEY, decision_id bigint NOT NULL, payment_block boolean NOT NULL);
CREATE UNLOGGED TABLE ledger.work_entry_line (
  business_key text NOT NULL, line_no integer NOT NULL, role text NOT NULL, amount numeric(18,2) NOT NULL,
  order_line_id bigint, purpose text NOT NULL
);
