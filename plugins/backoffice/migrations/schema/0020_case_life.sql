-- review: the life of a case between its opening and its decision (docs/reference/case-life.md).

-- How far the clock of cases is ahead of the real one: for tests and drills only, like the business day beside it.
ALTER TABLE ops.simulated_clock ADD COLUMN ahead interval NOT NULL DEFAULT '0';

ALTER TABLE review.case
  ADD COLUMN claimed_by text REFERENCES review.person,
  ADD COLUMN claimed_at timestamptz,
  -- 1 urgent, 2 high, 3 normal, 4 low; by the policy case_priority, and its sentence
  ADD COLUMN priority smallint NOT NULL DEFAULT 3 CHECK (priority BETWEEN 1 AND 4),
  ADD COLUMN priority_reason text,
  -- the business day whose facts gave it; null: to be looked at
  ADD COLUMN prioritised_on date,
  -- by when it should be decided, and when the next level of its chain comes; kept by a trigger
  ADD COLUMN due_at timestamptz,
  ADD COLUMN next_level_at timestamptz,
  -- since when it waits for information; null: its clock runs
  ADD COLUMN waiting_since timestamptz,
  ADD COLUMN waited interval NOT NULL DEFAULT '0',
  ADD COLUMN escalation_level integer NOT NULL DEFAULT 0,
  ADD COLUMN escalated_role text,
  ADD CONSTRAINT claim_whole CHECK ((claimed_by IS NULL) = (claimed_at IS NULL));
CREATE INDEX case_claimed ON review.case (claimed_by) WHERE claimed_by IS NOT NULL;
CREATE INDEX case_waiting ON review.case (waiting_since) WHERE waiting_since IS NOT NULL;
CREATE INDEX case_next_level ON review.case (process, next_level_at) WHERE next_level_at IS NOT NULL AND waiting_since IS NULL;
CREATE INDEX case_prioritised ON review.case (process, entity, prioritised_on) WHERE state IN ('open', 'half_decided');

-- What people do with a case besides deciding it. Append-only, but for their words once they are erased.
CREATE TABLE review.case_act (
  act_id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  case_id           bigint NOT NULL REFERENCES review.case,
  act               text NOT NULL CHECK (act IN ('claim', 'release', 'reassign', 'ask', 'inform', 'comment', 'attach')),
  person_id         text NOT NULL REFERENCES review.person,
  principal         text NOT NULL,
  -- their words: question, information, comment, why; of an attachment its file name
  reason            text NOT NULL,
  -- who has it now (reassign), who had it (release), whom was asked (ask, where it is a person)
  to_person         text REFERENCES review.person,
  whom              text CHECK (whom IN ('requester', 'buyer', 'receiver', 'supplier', 'colleague')),
  round             smallint CHECK (round > 0),
  -- of information: the question that it answers
  answers           bigint UNIQUE REFERENCES review.case_act,
  idempotency_key   text NOT NULL UNIQUE,
  acted_at          timestamptz NOT NULL,
  CHECK ((act = 'ask') = (whom IS NOT NULL) AND (act = 'ask') = (round IS NOT NULL)),
  CHECK ((act = 'inform') = (answers IS NOT NULL)),
  CHECK (act NOT IN ('release', 'reassign') OR to_person IS NOT NULL)
);
CREATE INDEX case_act_by_case ON review.case_act (case_id, act_id);
CREATE INDEX question_to_person ON review.case_act (to_person) WHERE act = 'ask';

-- A file that a person put to a case: what was sniffed from its bytes, never what its sender says of it. Append-only.
CREATE TABLE review.attachment (
  act_id            bigint PRIMARY KEY REFERENCES review.case_act,
  case_id           bigint NOT NULL REFERENCES review.case,
  media_type        text NOT NULL,
  bytes             integer NOT NULL CHECK (bytes = octet_length(content)),
  sha256            bytea NOT NULL CHECK (sha256 = sha256(content)),
  content           bytea NOT NULL
);
CREATE INDEX attachment_by_case ON review.attachment (case_id);

-- What the housekeeping does with a case: never a decision. Append-only.
CREATE TABLE review.case_step (
  step_id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  case_id           bigint NOT NULL REFERENCES review.case,
  step              text NOT NULL CHECK (step IN ('claim_expired', 'wait_ended', 'reminded', 'escalated', 'prioritised')),
  -- whose claim ended
  person_id         text REFERENCES review.person,
  level             integer,
  role              text,
  priority          smallint CHECK (priority BETWEEN 1 AND 4),
  -- the policy and its rule that gave the priority
  rule              text,
  run_id            bigint,
  taken_at          timestamptz NOT NULL,
  CHECK ((step IN ('reminded', 'escalated')) = (level IS NOT NULL)),
  CHECK ((step = 'prioritised') = (priority IS NOT NULL))
);
CREATE INDEX case_step_by_case ON review.case_step (case_id, step_id);
-- whoever goes through a chain, each of its levels is taken once
CREATE UNIQUE INDEX one_step_per_level ON review.case_step (case_id, level) WHERE level IS NOT NULL;

-- Who is told when a case is not decided: hours on its clock. '*' is every process or role; the row that names more counts.
CREATE TABLE review.escalation (
  process           text NOT NULL DEFAULT '*',
  role              text NOT NULL DEFAULT '*',
  level             integer NOT NULL CHECK (level > 0),
  after_hours       numeric(9,2) NOT NULL CHECK (after_hours > 0),
  step              text NOT NULL CHECK (step IN ('remind', 'escalate')),
  -- of an escalation: the role that is told
  to_role           text,
  PRIMARY KEY (process, role, level),
  CHECK ((step = 'escalate') = (to_role IS NOT NULL))
);
