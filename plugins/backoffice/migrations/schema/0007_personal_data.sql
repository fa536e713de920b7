-- Personal data: keys per person kept apart from the log, how long what is kept, legal holds, erasure and purge
-- (docs/explanation/personal-data.md).
CREATE SCHEMA IF NOT EXISTS vault;

-- One key per subject. It opens what the log holds of the subject; without it that is noise. Nobody reads this table: see vault.*_key.
CREATE TABLE vault.subject_key (
  subject           text PRIMARY KEY CHECK (subject ~ '^[a-z_]+:.'),
  key               bytea CHECK (octet_length(key) = 32),
  created_at        timestamptz NOT NULL DEFAULT now(),
  destroyed_at      timestamptz,
  -- the request that two persons carried
  destroyed_by      bigint,
  CHECK ((key IS NULL) = (destroyed_at IS NOT NULL) AND (key IS NULL) = (destroyed_by IS NOT NULL))
) WITH (autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0);

-- Which records hold something of a subject: what retention and holds are asked of before it is erased.
CREATE TABLE audit.personal_use (
  subject           text NOT NULL,
  record_subject    text NOT NULL,
  kind              text NOT NULL,
  last_at           timestamptz NOT NULL,
  PRIMARY KEY (subject, record_subject, kind)
);
CREATE INDEX personal_use_by_record ON audit.personal_use (record_subject);

-- How long each class of records is kept; no years: as long as the log. Which record is of which class: by kind and by what stands
-- before the colon of its subject, '*' for all others of the kind.
CREATE TABLE audit.retention (
  class             text PRIMARY KEY,
  years             integer CHECK (years > 0),
  counted_from      text NOT NULL CHECK (counted_from IN ('record', 'fiscal_year')),
  basis             text NOT NULL
);
CREATE TABLE audit.record_class (
  kind text NOT NULL, subject_kind text NOT NULL, class text NOT NULL REFERENCES audit.retention, PRIMARY KEY (kind, subject_kind)
);
-- The month with whose last day the company's fiscal year ends.
ALTER TABLE ops.entity ADD COLUMN fiscal_year_ends_in smallint NOT NULL DEFAULT 12 CHECK (fiscal_year_ends_in BETWEEN 1 AND 12);

-- What may not be erased or purged whatever its retention says. Placed by one person at once, lifted by two.
CREATE TABLE audit.legal_hold (
  hold_id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  scope_kind        text NOT NULL CHECK (scope_kind IN ('everything', 'class', 'subject', 'entity', 'person')),
  scope             text,
  reason            text NOT NULL,
  idempotency_key   text NOT NULL UNIQUE,
  placed_by         text NOT NULL REFERENCES review.person,
  placed_at         timestamptz NOT NULL DEFAULT now(),
  lifted_at         timestamptz,
  lifted_by         bigint,
  CHECK ((scope IS NULL) = (scope_kind = 'everything')),
  CHECK ((lifted_at IS NULL) = (lifted_by IS NULL))
);

-- What needs two persons: one asks, another approves, and only then is it done.
CREATE TABLE review.privacy_request (
  request_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  act               text NOT NULL CHECK (act IN ('erase_person', 'lift_hold', 'purge_records')),
  person_id         text REFERENCES review.person,
  basis             text CHECK (basis IN ('no_longer_needed', 'consent_withdrawn', 'objection', 'unlawful', 'legal_obligation')),
  hold_id           bigint REFERENCES audit.legal_hold,
  record_class      text REFERENCES audit.retention,
  before            date,
  reason            text NOT NULL,
  idempotency_key   text NOT NULL UNIQUE,
  requested_by      text NOT NULL REFERENCES review.person,
  requested_at      timestamptz NOT NULL DEFAULT now(),
  state             text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'carried_out', 'declined')),
  answer_reason     text,
  answer_key        text UNIQUE,
  answered_by       text REFERENCES review.person,
  answered_at       timestamptz,
  result            jsonb,
  CHECK ((act = 'erase_person') = (person_id IS NOT NULL) AND (act = 'erase_person') = (basis IS NOT NULL)),
  CHECK ((act = 'lift_hold') = (hold_id IS NOT NULL)),
  CHECK ((act = 'purge_records') = (record_class IS NOT NULL) AND (act = 'purge_records') = (before IS NOT NULL)),
  CHECK ((state = 'open') = (answered_by IS NULL)),
  CONSTRAINT two_persons CHECK (state <> 'carried_out' OR answered_by <> requested_by)
);
CREATE UNIQUE INDEX one_open_erasure ON review.privacy_request (person_id) WHERE state = 'open';
CREATE UNIQUE INDEX one_open_lifting ON review.privacy_request (hold_id) WHERE state = 'open';

-- A purged record keeps its row, its place and its leaf; its body is gone, and this says which record of the log says so.
ALTER TABLE audit.record ALTER COLUMN body DROP NOT NULL;
CREATE TABLE audit.purged (
  leaf_index        bigint PRIMARY KEY,
  erasure           bigint NOT NULL
);
CREATE INDEX purged_by_erasure ON audit.purged (erasure);

-- A person's words stand once in the business tables, where they can be erased, and encrypted in the log. The append-only decision
-- has never been the place for them.
DROP VIEW IF EXISTS ledger.latest_decision CASCADE; -- made anew by the routines
ALTER TABLE ledger.decision DROP COLUMN reason;
ALTER TABLE review.answer ADD COLUMN sealed text;
-- Whose words a message to the outside carries, and the same as they stand in the log.
ALTER TABLE ops.outbox ADD COLUMN written_by text REFERENCES review.person, ADD COLUMN sealed text;
-- The log has a hash of the rest: with this salt, so that it tells nothing to who has only the log.
ALTER TABLE ops.outbox ADD COLUMN salt uuid NOT NULL DEFAULT gen_random_uuid();
