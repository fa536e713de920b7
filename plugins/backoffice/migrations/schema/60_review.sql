-- review: persons, authority, cases, answers.
CREATE TABLE review.person (person_id text PRIMARY KEY, name text NOT NULL, email text, active boolean NOT NULL DEFAULT true);
-- A log-in or a source system's user id; one person may have many.
CREATE TABLE review.identity (
  system text NOT NULL, user_id text NOT NULL, person_id text NOT NULL REFERENCES review.person, PRIMARY KEY (system, user_id)
);
CREATE TABLE review.authority (
  person_id text NOT NULL REFERENCES review.person, role text NOT NULL, process text NOT NULL DEFAULT '*', entity text NOT NULL DEFAULT '*',
  amount_limit numeric(18,2) NOT NULL, currency char(3) NOT NULL,
  effective_from date NOT NULL DEFAULT '2000-01-01', effective_to date,
  PRIMARY KEY (person_id, role, process, entity, effective_from)
);

CREATE TABLE review.case (
  case_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  process text NOT NULL, subject_kind text NOT NULL CHECK (subject_kind IN ('invoice', 'quarantine')),
  subject_id bigint NOT NULL, subject_key text NOT NULL, role text NOT NULL, entity text NOT NULL,
  candidate_person text REFERENCES review.person,
  title text NOT NULL, amount numeric(18,2), currency text, due_date date,
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'half_decided', 'decided', 'settled', 'superseded')),
  evidence_hash bytea NOT NULL, handover jsonb NOT NULL,
  opened_run bigint, opened_at timestamptz NOT NULL DEFAULT now(), closed_at timestamptz
);
CREATE UNIQUE INDEX one_open_case ON review.case (process, subject_kind, subject_id, role) WHERE state IN ('open', 'half_decided', 'decided');
CREATE INDEX case_by_run ON review.case (opened_run);

CREATE TABLE review.case_item (
  case_id bigint NOT NULL REFERENCES review.case, item_no integer NOT NULL, hold_id bigint REFERENCES ledger.hold,
  quarantine_id bigint REFERENCES intake.quarantine, code text NOT NULL, settled_at timestamptz, settled_by text,
  PRIMARY KEY (case_id, item_no)
);
CREATE UNIQUE INDEX item_of_hold ON review.case_item (hold_id) WHERE hold_id IS NOT NULL;

CREATE TABLE review.answer (
  answer_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  case_id bigint NOT NULL REFERENCES review.case, idempotency_key text NOT NULL UNIQUE,
  person_id text NOT NULL REFERENCES review.person, principal text NOT NULL,
  action text NOT NULL CHECK (action IN ('accept', 'reject', 'ask_again', 'read_again', 'discard')),
  reason_code text NOT NULL, reason text NOT NULL, evidence_hash bytea NOT NULL, decision_id bigint,
  final boolean NOT NULL, answered_at timestamptz NOT NULL DEFAULT now(),
  booked_at timestamptz, booked_run bigint, booking_result text
);
CREATE INDEX answer_unbooked ON review.answer (answer_id) WHERE booked_at IS NULL;
CREATE INDEX answer_by_case ON review.answer (case_id);
