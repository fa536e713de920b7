-- Batch sign-off: an ordered set of items with control totals that one person stands for as a whole (docs/reference/batch-signoff.md).

-- From which total on the items of one run are put before a person before anything is done with them. Shipped empty: nothing is. '*' is
-- every process or company; the row that names more counts. Items in another currency are above every limit.
CREATE TABLE review.batch_rule (
  item_kind    text NOT NULL CHECK (item_kind IN ('posting')),
  process      text NOT NULL DEFAULT '*',
  entity       text NOT NULL DEFAULT '*',
  amount_above numeric(18,2) NOT NULL CHECK (amount_above >= 0),
  currency     char(3) NOT NULL,
  -- who signs
  role         text NOT NULL CHECK (role <> ''),
  PRIMARY KEY (item_kind, process, entity)
);

CREATE TABLE review.batch (
  batch_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  item_kind    text NOT NULL CHECK (item_kind IN ('posting')),
  process      text NOT NULL, entity text NOT NULL REFERENCES ops.entity,
  -- the rule as it was when the batch was opened
  amount_above numeric(18,2) NOT NULL, currency char(3) NOT NULL, role text NOT NULL,
  opened_run   bigint NOT NULL, opened_at timestamptz NOT NULL DEFAULT now()
);

-- What is signed for, as it was put before the person: nothing of it changes but what became of it.
CREATE TABLE review.batch_item (
  batch_id      bigint NOT NULL REFERENCES review.batch,
  item_no       integer NOT NULL CHECK (item_no > 0),
  item_kind     text NOT NULL,
  subject_id    bigint NOT NULL, subject_key text NOT NULL,
  name          text NOT NULL,
  -- without sign: a credit note takes nothing off what somebody signs for
  amount        numeric(18,4) NOT NULL CHECK (amount >= 0), currency char(3) NOT NULL,
  evidence_hash bytea NOT NULL,
  state         text NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'taken_out', 'signed', 'refused', 'overtaken')),
  -- the act that took it out
  taken_out_by  bigint REFERENCES review.case_act,
  -- the run that acted on what became of it
  settled_run   bigint,
  PRIMARY KEY (batch_id, item_no),
  CHECK (state <> 'taken_out' OR taken_out_by IS NOT NULL),
  CHECK (settled_run IS NULL OR state IN ('taken_out', 'signed', 'refused'))
);
CREATE UNIQUE INDEX one_live_batch ON review.batch_item (item_kind, subject_id) WHERE state = 'asked';
CREATE INDEX batch_item_by_subject ON review.batch_item (item_kind, subject_id);
CREATE INDEX batch_item_to_settle ON review.batch_item (batch_id) WHERE state = 'taken_out' AND settled_run IS NULL;
CREATE INDEX batch_item_by_act ON review.batch_item (taken_out_by) WHERE taken_out_by IS NOT NULL;

ALTER TABLE review.case DROP CONSTRAINT case_subject_kind_check,
  ADD CONSTRAINT case_subject_kind_check CHECK (subject_kind IN ('invoice', 'quarantine', 'batch_signoff'));
ALTER TABLE review.case_act DROP CONSTRAINT case_act_act_check,
  ADD CONSTRAINT case_act_act_check CHECK (act IN ('claim', 'release', 'reassign', 'ask', 'inform', 'comment', 'attach', 'take_out'));
-- who answered about an item of a batch before
ALTER TABLE review.duty_rule DROP CONSTRAINT duty_rule_duty_check,
  ADD CONSTRAINT duty_rule_duty_check CHECK (duty IN ('creator', 'requester', 'buyer', 'receiver', 'keyer', 'supplier_changer', 'trigger', 'decider'));

-- the rules of batches are changed by two people like any other
ALTER TABLE review.access_change DROP CONSTRAINT access_change_kind_check,
  ADD CONSTRAINT access_change_kind_check CHECK (kind IN ('person', 'identity', 'authority', 'quorum_rule', 'duty_rule', 'absence', 'substitute', 'batch_rule'));
