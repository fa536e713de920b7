-- ops: runs, business clock, watermarks of effects. Nothing here books or decides.
CREATE TABLE ops.entity (
  entity            text PRIMARY KEY,
  name              text NOT NULL,
  ledger_currency   char(3) NOT NULL,
  time_zone         text NOT NULL DEFAULT 'UTC',
  books             text NOT NULL DEFAULT 'own' CHECK (books IN ('own', 'erp'))
);

-- Empty in production. A drill or a test moves the business day with it; `backoffice doctor` reports it.
CREATE TABLE ops.simulated_clock (
  only_row          boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  business_date     date NOT NULL
);

CREATE TABLE ops.run (
  run_id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  process           text NOT NULL,
  dag_id            text NOT NULL,
  airflow_run_id    text NOT NULL,
  business_date     date NOT NULL,
  dry_run           boolean NOT NULL DEFAULT false,
  parameters        jsonb NOT NULL DEFAULT '{}',
  package_version   text NOT NULL,
  started_at        timestamptz NOT NULL DEFAULT now(),
  reported_at       timestamptz,
  UNIQUE (dag_id, airflow_run_id)
);

-- What a dry run works with, for as long as its transaction lasts: a row here cannot be committed.
CREATE TABLE ops.rehearsal (
  run_id            bigint PRIMARY KEY REFERENCES ops.run,
  tolerance_set     text
);

CREATE TABLE ops.run_report (
  run_id            bigint PRIMARY KEY REFERENCES ops.run,
  report            jsonb NOT NULL,
  written_at        timestamptz NOT NULL DEFAULT now()
);

-- Effects on the outside world. Written in the transaction that decides them, sent by the relay, each key once.
CREATE TABLE ops.outbox (
  outbox_id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  idempotency_key   text NOT NULL UNIQUE,
  destination       text NOT NULL,
  payload           jsonb NOT NULL,
  created_at        timestamptz NOT NULL DEFAULT now(),
  attempts          integer NOT NULL DEFAULT 0,
  sent_at           timestamptz,
  answer            jsonb
);
CREATE INDEX outbox_unsent ON ops.outbox (outbox_id) WHERE sent_at IS NULL;

-- The text of every routine installed from a file: what rule decided is part of each decision's evidence.
CREATE TABLE ops.installed_text (
  name              text PRIMARY KEY,
  sha256            text NOT NULL,
  package_version   text NOT NULL,
  installed_at      timestamptz NOT NULL DEFAULT now()
);
