-- intake: raw bytes, loads, staging, quarantine, watermarks.
CREATE TABLE intake.document (
  document_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sha256            bytea NOT NULL UNIQUE,
  content           bytea NOT NULL,
  media_type        text NOT NULL,
  stored_at         timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT sha256_is_of_content CHECK (sha256 = sha256(content))
);

CREATE TABLE intake.watermark (
  source            text NOT NULL,
  dataset           text NOT NULL,
  high_water        timestamptz NOT NULL,
  load_id           bigint NOT NULL,
  PRIMARY KEY (source, dataset)
);

CREATE TABLE intake.load (
  load_id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  run_id            bigint NOT NULL REFERENCES ops.run,
  source            text NOT NULL,
  dataset           text NOT NULL CHECK (dataset IN ('suppliers', 'orders', 'receipts', 'invoices')),
  parser            text NOT NULL,
  profile           text,
  window_from       timestamptz,
  window_until      timestamptz,
  advances_watermark boolean NOT NULL DEFAULT true,
  source_count      bigint,
  source_amount     numeric,
  received_count    bigint,
  received_amount   numeric,
  received_unknown  bigint,
  accepted_count    bigint,
  accepted_amount   numeric,
  accepted_unknown  bigint,
  quarantined_count bigint,
  quarantined_amount numeric,
  quarantined_unknown bigint,
  known_count       bigint,
  known_amount      numeric,
  known_unknown     bigint,
  gate              jsonb,
  state             text NOT NULL DEFAULT 'reading'
                    CHECK (state IN ('reading', 'read', 'gated', 'accepted', 'superseded', 'refused')),
  started_at        timestamptz NOT NULL DEFAULT now(),
  read_at           timestamptz,
  accepted_at       timestamptz,
  CONSTRAINT conservation_by_count CHECK (state <> 'accepted'
    OR received_count = accepted_count + quarantined_count + known_count),
  CONSTRAINT conservation_by_amount CHECK (state <> 'accepted'
    OR (received_amount = accepted_amount + quarantined_amount + known_amount
        AND received_unknown = accepted_unknown + quarantined_unknown + known_unknown))
);
CREATE INDEX load_by_run ON intake.load (run_id, dataset);

-- Staging: one row as read, typed where it could be typed; what could not be typed is NULL and named in defects
-- ([{"field": ..., "value": ..., "reason": ...}]). control_amount is the row's share of the control total
-- (orders: ordered value, receipts: quantity or value, invoices: gross amount, suppliers: 0); NULL = unknown.
CREATE TABLE intake.stage_supplier (
  load_id bigint NOT NULL, row_no bigint NOT NULL, document_id bigint, content_hash bytea NOT NULL, defects jsonb,
  control_amount numeric,
  supplier_id text, name text, vat_id text, iban text, supplier_group text, country text, currency text,
  payment_terms_days integer, blocked boolean, updated_at timestamptz,
  PRIMARY KEY (load_id, row_no)
);
CREATE TABLE intake.stage_order_line (
  load_id bigint NOT NULL, row_no bigint NOT NULL, document_id bigint, content_hash bytea NOT NULL, defects jsonb,
  control_amount numeric,
  entity text, po_number text, po_line text, supplier_id text, currency text, item text, description text,
  category text, quantity numeric(15,4), uom text, unit_price numeric(15,6), price_base_quantity numeric(15,4),
  amount_based boolean, ordered_value numeric(18,2), tax_rate numeric(7,4), match_type smallint, gr_based boolean,
  order_date date, status text, approved boolean, buyer text, requester text, created_by text, version integer,
  updated_at timestamptz,
  PRIMARY KEY (load_id, row_no)
);
CREATE TABLE intake.stage_receipt_line (
  load_id bigint NOT NULL, row_no bigint NOT NULL, document_id bigint, content_hash bytea NOT NULL, defects jsonb,
  control_amount numeric,
  entity text, receipt_number text, receipt_line text, po_number text, po_line text, quantity numeric(15,4),
  received_value numeric(18,2), value_known boolean, uom text, received_at timestamptz,
  reverses_number text, reverses_line text, receiver text, updated_at timestamptz,
  PRIMARY KEY (load_id, row_no)
);
CREATE TABLE intake.stage_invoice (
  load_id bigint NOT NULL, row_no bigint NOT NULL, document_id bigint, content_hash bytea NOT NULL, defects jsonb,
  control_amount numeric,
  message_id text, filename text, media_type text, received_at timestamptz, entity text, syntax text,
  kind text, type_code text, invoice_number text, invoice_date date, due_date date, currency text,
  seller_id text, seller_vat_id text, seller_name text, buyer_name text, buyer_vat_id text, payee_iban text,
  po_number text, receipt_number text, preceding_invoice_number text,
  line_total numeric(18,4), allowance_total numeric(18,4), charge_total numeric(18,4), net_total numeric(18,4),
  tax_total numeric(18,4), gross_total numeric(18,4), prepaid_total numeric(18,4), rounding_amount numeric(18,4),
  payable_total numeric(18,4), line_count integer, duplicates_evaluable boolean NOT NULL DEFAULT true,
  updated_at timestamptz,
  PRIMARY KEY (load_id, row_no)
);
CREATE TABLE intake.stage_invoice_line (
  load_id bigint NOT NULL, row_no bigint NOT NULL, invoice_row_no bigint NOT NULL, defects jsonb,
  position integer, line_id text, po_number text, po_line text, receipt_number text,
  supplier_item text, buyer_item text, description text,
  quantity numeric(15,4), uom text, unit_price numeric(15,6), price_base_quantity numeric(15,4),
  net_amount numeric(18,4), allowance_total numeric(18,4), charge_total numeric(18,4),
  tax_category text, tax_rate numeric(7,4),
  PRIMARY KEY (load_id, row_no)
);
CREATE TABLE intake.stage_invoice_tax (
  load_id bigint NOT NULL, row_no bigint NOT NULL, invoice_row_no bigint NOT NULL, defects jsonb,
  category text, rate numeric(7,4), taxable_amount numeric(18,4), tax_amount numeric(18,4),
  PRIMARY KEY (load_id, row_no)
);

-- What the disposition and gate views ask of each staged row; without these a load costs the square of its rows.
CREATE INDEX stage_supplier_by_content ON intake.stage_supplier (load_id, content_hash);
CREATE INDEX stage_order_line_by_content ON intake.stage_order_line (load_id, content_hash);
CREATE INDEX stage_order_line_by_order ON intake.stage_order_line (load_id, po_number);
CREATE INDEX stage_receipt_line_by_content ON intake.stage_receipt_line (load_id, content_hash);
CREATE INDEX stage_receipt_line_by_number ON intake.stage_receipt_line (load_id, receipt_number);
CREATE INDEX stage_invoice_by_content ON intake.stage_invoice (load_id, content_hash);
CREATE INDEX stage_invoice_line_by_invoice ON intake.stage_invoice_line (load_id, invoice_row_no);
CREATE INDEX stage_invoice_tax_by_invoice ON intake.stage_invoice_tax (load_id, invoice_row_no);

-- What a check found wrong with one row of one load.
CREATE TABLE intake.finding (
  load_id           bigint NOT NULL REFERENCES intake.load,
  dataset           text NOT NULL CHECK (dataset IN ('suppliers', 'orders', 'receipts', 'invoices', 'invoice_lines', 'invoice_taxes')),
  row_no            bigint NOT NULL,
  check_id          text NOT NULL,
  severity          text NOT NULL CHECK (severity IN ('quarantine', 'warn')),
  reason            text NOT NULL,
  field             text,
  value             text,
  PRIMARY KEY (load_id, dataset, row_no, check_id)
);

-- Quarantined rows and documents: what arrived, why it was refused, what became of it.
CREATE TABLE intake.quarantine (
  quarantine_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  load_id           bigint NOT NULL REFERENCES intake.load,
  source            text NOT NULL,
  dataset           text NOT NULL,
  row_no            bigint NOT NULL,
  document_id       bigint REFERENCES intake.document,
  content_hash      bytea NOT NULL,
  business_key      text,
  findings          jsonb NOT NULL,
  row_content       jsonb NOT NULL,
  state             text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'asked', 'reread', 'discarded')),
  quarantined_at    timestamptz NOT NULL DEFAULT now(),
  UNIQUE (load_id, dataset, row_no)
);
CREATE INDEX quarantine_by_content ON intake.quarantine (dataset, content_hash);
