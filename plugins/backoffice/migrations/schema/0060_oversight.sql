-- Notices: what was told to whom, once each. The message itself is an effect in ops.outbox; its text is made when it is sent.
CREATE TABLE review.notice (
  notice_id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  process           text NOT NULL,
  kind              text NOT NULL CHECK (kind IN ('opened', 'reminder', 'escalation', 'test_case')),
  person_id         text REFERENCES review.person, -- null: a channel that several read
  written_at        timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX notice_by_person ON review.notice (person_id, kind, written_at DESC);
CREATE TABLE review.notice_case (
  notice_id         bigint NOT NULL REFERENCES review.notice,
  kind              text NOT NULL,
  receiver          text NOT NULL, -- the person, or '' for the channel
  case_id           bigint NOT NULL REFERENCES review.case,
  step_id           bigint NOT NULL DEFAULT 0, -- the reminder or escalation that is told
  CONSTRAINT told_once PRIMARY KEY (case_id, receiver, kind, step_id)
);
CREATE INDEX notice_case_by_notice ON review.notice_case (notice_id);

-- Cases with a known right answer, put among the others to see whether people look. Which they are stands here alone, where the
-- pages' log-in cannot read.
CREATE TABLE vault.seeded_case (
  case_id           bigint PRIMARY KEY REFERENCES review.case,
  template_case     bigint NOT NULL REFERENCES review.case,
  expected          text NOT NULL,
  seeded_run        bigint NOT NULL,
  seeded_at         timestamptz NOT NULL DEFAULT now(),
  answer_id         bigint REFERENCES review.answer,
  person_id         text REFERENCES review.person,
  action            text,
  passed            boolean,
  answered_at       timestamptz,
  CHECK ((answered_at IS NULL) = (passed IS NULL) AND (answered_at IS NULL) = (answer_id IS NULL))
);
CREATE INDEX seeded_by_template ON vault.seeded_case (template_case);

-- From when on deciding is too quick to be looking. '*' is every role without a row of its own.
CREATE TABLE review.oversight_limit (
  role              text PRIMARY KEY,
  least_seconds     numeric(8,1) NOT NULL CHECK (least_seconds >= 0),
  least_decisions   integer NOT NULL CHECK (least_decisions > 0),
  most_approved     numeric(5,4) NOT NULL CHECK (most_approved BETWEEN 0 AND 1)
);
INSERT INTO review.oversight_limit VALUES ('*', 5, 20, 0.98);

-- Measuring single persons: off unless two persons switched it on, and then until a day.
CREATE TABLE review.person_measure (
  measure_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  until             date NOT NULL,
  reason            text NOT NULL,
  idempotency_key   text NOT NULL UNIQUE,
  requested_by      text NOT NULL REFERENCES review.person,
  requested_at      timestamptz NOT NULL DEFAULT now(),
  answer_key        text UNIQUE,
  answer_reason     text,
  answered_by       text REFERENCES review.person,
  answered_at       timestamptz,
  approved          boolean,
  ended_at          timestamptz,
  ended_by          text REFERENCES review.person,
  CHECK ((answered_at IS NULL) = (approved IS NULL)),
  CHECK ((ended_at IS NULL) = (ended_by IS NULL)),
  CONSTRAINT two_persons CHECK (NOT coalesce(approved, false) OR answered_by <> requested_by)
);
CREATE INDEX answer_by_person_and_time ON review.answer (person_id, answered_at);
CREATE INDEX answer_by_time ON review.answer (answered_at);
