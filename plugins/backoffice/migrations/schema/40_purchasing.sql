-- purchasing: accepted facts. Written only by intake's accept functions.
CREATE FUNCTION purchasing.sorted_letters(word text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog
RETURN (SELECT string_agg(letter, '' ORDER BY letter COLLATE "C") FROM regexp_split_to_table(word, '') AS letter);

CREATE TABLE purchasing.supplier (
  supplier_id text PRIMARY KEY, name text NOT NULL, vat_id text, iban text, supplier_group text NOT NULL,
  country text, currency text, payment_terms_days integer, blocked boolean NOT NULL,
  content_hash bytea NOT NULL, load_id bigint NOT NULL, source_updated_at timestamptz
);
CREATE UNIQUE INDEX supplier_by_vat ON purchasing.supplier (vat_id, supplier_id) WHERE vat_id IS NOT NULL;

-- Every accepted version of a supplier or order line, in full.
CREATE TABLE purchasing.master_version (
  kind text NOT NULL, business_key text NOT NULL, version_no integer NOT NULL,
  content_hash bytea NOT NULL, content jsonb NOT NULL, load_id bigint NOT NULL,
  accepted_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (kind, business_key, version_no)
);

CREATE TABLE purchasing.order_line (
  order_line_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  entity text NOT NULL REFERENCES ops.entity, po_number text NOT NULL, po_line text NOT NULL,
  po_line_key text COLLATE "C" GENERATED ALWAYS AS (ltrim(po_line, '0')) STORED,
  supplier_id text NOT NULL, currency text NOT NULL, item text, description text, category text,
  quantity numeric(15,4), uom text, unit_price numeric(15,6), price_base_quantity numeric(15,4) NOT NULL DEFAULT 1,
  amount_based boolean NOT NULL DEFAULT false, ordered_value numeric(18,2),
  tax_rate numeric(7,4), match_type smallint NOT NULL CHECK (match_type IN (2, 3)), gr_based boolean NOT NULL,
  order_date date, closed boolean NOT NULL, approved boolean NOT NULL,
  buyer text, requester text, created_by text, version integer NOT NULL,
  content_hash bytea NOT NULL, load_id bigint NOT NULL, source_updated_at timestamptz,
  UNIQUE (entity, po_number, po_line),
  CHECK (amount_based OR (quantity IS NOT NULL AND unit_price IS NOT NULL AND uom IS NOT NULL)),
  CHECK (price_base_quantity > 0)
);
CREATE INDEX order_line_by_key ON purchasing.order_line (po_number, po_line_key, entity);

CREATE TABLE purchasing.receipt_line (
  receipt_line_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  entity text NOT NULL REFERENCES ops.entity, receipt_number text NOT NULL, receipt_line text NOT NULL,
  po_number text NOT NULL, po_line_key text COLLATE "C" NOT NULL,
  order_line_id bigint REFERENCES purchasing.order_line,
  quantity numeric(15,4) NOT NULL, received_value numeric(18,2), value_known boolean NOT NULL,
  received_at timestamptz NOT NULL, reverses_number text, reverses_line text, receiver text,
  content_hash bytea NOT NULL, load_id bigint NOT NULL, source_updated_at timestamptz,
  UNIQUE (entity, receipt_number, receipt_line)
);
CREATE INDEX receipt_by_order_line ON purchasing.receipt_line (order_line_id);
CREATE INDEX receipt_without_order ON purchasing.receipt_line (entity, po_number, po_line_key) WHERE order_line_id IS NULL;

CREATE TABLE purchasing.invoice (
  invoice_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  entity text NOT NULL REFERENCES ops.entity,
  document_id bigint REFERENCES intake.document,
  content_hash bytea NOT NULL UNIQUE,
  syntax text NOT NULL, kind text NOT NULL CHECK (kind IN ('invoice', 'credit_note')), type_code text,
  invoice_number text NOT NULL,
  -- upper case, letters and digits (of any script) only, no leading zeros (accounts-payable DUP_EXACT)
  number_key text COLLATE "C" GENERATED ALWAYS AS (ltrim(regexp_replace(upper(invoice_number), '[^[:alnum:]]', '', 'g'), '0')) STORED,
  -- the same with letters and digits that are easily confused made one, and with its characters sorted (swaps)
  confusable_key text COLLATE "C" GENERATED ALWAYS AS (translate(ltrim(regexp_replace(upper(invoice_number), '[^[:alnum:]]', '', 'g'), '0'), 'OIL', '011')) STORED,
  letters_key text COLLATE "C" GENERATED ALWAYS AS (purchasing.sorted_letters(ltrim(regexp_replace(upper(invoice_number), '[^[:alnum:]]', '', 'g'), '0'))) STORED,
  invoice_date date NOT NULL, due_date date, currency text NOT NULL,
  supplier_id text REFERENCES purchasing.supplier, supplier_group text COLLATE "C" NOT NULL,
  seller_id text, seller_vat_id text, seller_name text, payee_iban text,
  po_number text, receipt_number text, preceding_invoice_number text,
  line_total numeric(18,4) NOT NULL, allowance_total numeric(18,4) NOT NULL, charge_total numeric(18,4) NOT NULL,
  net_total numeric(18,4) NOT NULL, tax_total numeric(18,4) NOT NULL, gross_total numeric(18,4) NOT NULL,
  prepaid_total numeric(18,4) NOT NULL, rounding_amount numeric(18,4) NOT NULL, payable_total numeric(18,4) NOT NULL,
  duplicates_evaluable boolean NOT NULL, received_at timestamptz NOT NULL,
  load_id bigint NOT NULL, accepted_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX invoice_by_confusable ON purchasing.invoice (supplier_group, confusable_key);
CREATE INDEX invoice_by_letters ON purchasing.invoice (supplier_group, letters_key);

CREATE TABLE purchasing.invoice_line (
  invoice_line_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  invoice_id bigint NOT NULL REFERENCES purchasing.invoice, position integer NOT NULL, line_id text NOT NULL,
  po_number text, po_line_key text COLLATE "C", order_line_id bigint REFERENCES purchasing.order_line,
  receipt_number text, supplier_item text, buyer_item text, description text,
  quantity numeric(15,4) NOT NULL, uom text, unit_price numeric(15,6), price_base_quantity numeric(15,4) NOT NULL,
  net_amount numeric(18,4) NOT NULL, allowance_total numeric(18,4) NOT NULL, charge_total numeric(18,4) NOT NULL,
  tax_category text, tax_rate numeric(7,4),
  UNIQUE (invoice_id, position), CHECK (price_base_quantity > 0)
);
CREATE INDEX invoice_line_by_order_line ON purchasing.invoice_line (order_line_id);
CREATE INDEX invoice_line_without_order ON purchasing.invoice_line (po_number, po_line_key) WHERE order_line_id IS NULL;

CREATE TABLE purchasing.invoice_tax (
  invoice_id bigint NOT NULL REFERENCES purchasing.invoice, position integer NOT NULL,
  category text NOT NULL, rate numeric(7,4) NOT NULL, taxable_amount numeric(18,4) NOT NULL, tax_amount numeric(18,4) NOT NULL,
  PRIMARY KEY (invoice_id, position)
);

-- Exact integer-pair factors between UNECE Recommendation 20 units: quantity_to = quantity_from * numerator / denominator.
CREATE TABLE purchasing.uom_factor (
  from_uom text NOT NULL, to_uom text NOT NULL, item text NOT NULL DEFAULT '*',
  numerator bigint NOT NULL CHECK (numerator BETWEEN 1 AND 999999999),
  denominator bigint NOT NULL CHECK (denominator BETWEEN 1 AND 999999999),
  PRIMARY KEY (from_uom, to_uom, item)
);
