-- The authority matrix: who may decide what up to which amount and variance, how many of them, who stands in for whom, who may not
-- because of their part in the document, and how two people change all this (docs/reference/authority.md).
ALTER TABLE review.authority
  ADD COLUMN cost_centre text NOT NULL DEFAULT '*',
  ADD COLUMN code text NOT NULL DEFAULT '*',
  -- what may be accepted above the order or the receipt; null: as much as the amount limit allows
  ADD COLUMN variance_limit numeric(18,2) CHECK (variance_limit >= 0),
  ADD COLUMN variance_pct numeric(9,4) CHECK (variance_pct >= 0),
  DROP CONSTRAINT authority_pkey,
  ADD PRIMARY KEY (person_id, role, process, entity, cost_centre, code, effective_from);
ALTER TABLE purchasing.order_line ADD COLUMN cost_centre text;
ALTER TABLE intake.stage_order_line ADD COLUMN cost_centre text;
ALTER TABLE intake.stage_supplier ADD COLUMN changed_by text;
ALTER TABLE intake.stage_invoice ADD COLUMN keyed_by text;
ALTER TABLE purchasing.invoice ADD COLUMN keyed_by text;

-- How many persons a decision needs beyond what a hold code asks: the strictest rule that fits counts.
CREATE TABLE review.quorum_rule (
  rule_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name         text NOT NULL UNIQUE,
  role         text NOT NULL DEFAULT '*', process text NOT NULL DEFAULT '*', entity text NOT NULL DEFAULT '*', code text NOT NULL DEFAULT '*',
  action       text NOT NULL DEFAULT 'accept' CHECK (action IN ('accept', 'reject', 'ask_again', 'read_again', 'discard')),
  -- from this amount on, in this currency; an amount in another currency, or an unknown one, is above it
  amount_from  numeric(18,2) CHECK (amount_from >= 0), currency char(3),
  persons      smallint NOT NULL CHECK (persons BETWEEN 1 AND 20),
  -- these persons and nobody else; null: whoever has the authority
  of_persons   text[] CHECK (cardinality(of_persons) >= persons),
  -- each of these roles must be among those who agree; who holds one may answer such a case
  with_roles   text[] NOT NULL DEFAULT '{}',
  -- who holds one of these ends it alone by rejecting
  veto_roles   text[] NOT NULL DEFAULT '{}',
  CHECK ((amount_from IS NULL) = (currency IS NULL)),
  CHECK (cardinality(with_roles) <= persons)
);

-- Who may not decide because of their part in the document. The rule of a code goes before the rule of all codes.
CREATE TABLE review.duty_rule (
  duty         text NOT NULL CHECK (duty IN ('creator', 'requester', 'buyer', 'receiver', 'keyer', 'supplier_changer', 'trigger')),
  code         text NOT NULL DEFAULT '*',
  excluded     boolean NOT NULL,
  -- a user id that is mapped to nobody may be anyone
  unknown_is_anyone boolean NOT NULL DEFAULT false,
  PRIMARY KEY (duty, code)
);

CREATE TABLE review.absence (
  absence_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  person_id    text NOT NULL REFERENCES review.person,
  from_day     date NOT NULL, to_day date NOT NULL,
  CHECK (to_day >= from_day), UNIQUE (person_id, from_day)
);
-- Who stands in for whom, on which days: always (a delegation) or only while the person is absent (a substitute).
CREATE TABLE review.substitute (
  substitute_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  person_id    text NOT NULL REFERENCES review.person,
  substitute_id text NOT NULL REFERENCES review.person,
  role text NOT NULL DEFAULT '*', process text NOT NULL DEFAULT '*', entity text NOT NULL DEFAULT '*',
  from_day     date NOT NULL, to_day date NOT NULL,
  when_absent  boolean NOT NULL,
  amount_limit numeric(18,2) CHECK (amount_limit >= 0), currency char(3),
  CHECK (substitute_id <> person_id), CHECK (to_day >= from_day), CHECK ((amount_limit IS NULL) = (currency IS NULL)),
  UNIQUE (person_id, substitute_id, role, process, entity, from_day)
);
CREATE INDEX substitute_by_substitute ON review.substitute (substitute_id);

-- On whose behalf and as what a person answered, and how many that action needed then.
ALTER TABLE review.answer ADD COLUMN acted_for text REFERENCES review.person, ADD COLUMN as_roles text[], ADD COLUMN persons_needed smallint,
  ADD CONSTRAINT nobody_acts_for_themselves CHECK (acted_for <> person_id);

-- A change of persons, log-ins, authority, quorum rules, duties, absences or substitutes: one person proposes it, another approves
-- it, and only then is it made; the own absence and the own substitute one person enters alone.
CREATE TABLE review.access_change (
  change_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind         text NOT NULL CHECK (kind IN ('person', 'identity', 'authority', 'quorum_rule', 'duty_rule', 'absence', 'substitute')),
  act          text NOT NULL CHECK (act IN ('add', 'change', 'remove')),
  of_person    text,
  -- the row as it stands and as it shall be, without what is personal
  before       jsonb, after jsonb,
  -- of a person or a log-in: cleared when the person is erased
  name         text, email text, user_id text,
  -- who could do what before, and would afterwards
  impact       jsonb NOT NULL, impact_sha256 text NOT NULL,
  alone        boolean NOT NULL DEFAULT false,
  state        text NOT NULL DEFAULT 'proposed' CHECK (state IN ('proposed', 'approved', 'refused', 'withdrawn')),
  reason       text NOT NULL, idempotency_key text NOT NULL UNIQUE, proposed_by text NOT NULL REFERENCES review.person, proposed_at timestamptz NOT NULL DEFAULT now(),
  answer_reason text, answer_key text UNIQUE, answered_by text REFERENCES review.person, answered_at timestamptz,
  CHECK ((before IS NULL) = (act = 'add') AND (after IS NULL) = (act = 'remove')),
  CHECK ((state = 'proposed') = (answered_by IS NULL)),
  CONSTRAINT two_people CHECK (state <> 'approved' OR answered_by <> proposed_by OR alone),
  CONSTRAINT alone_for_oneself CHECK (NOT alone OR kind IN ('absence', 'substitute') AND of_person = proposed_by),
  CONSTRAINT nobody_gives_themselves CHECK (state <> 'approved' OR alone OR of_person IS NULL OR of_person NOT IN (proposed_by, answered_by))
);
CREATE INDEX access_change_waiting ON review.access_change (change_id) WHERE state = 'proposed';

-- Authority that is on record without the columns of today is on record with them from now on. (A new database has no record yet.)
DO $$
DECLARE held record;
BEGIN
  IF EXISTS (SELECT FROM audit.record r WHERE r.subject = 'setting:review.authority') THEN
    FOR held IN SELECT to_jsonb(a) AS content FROM review.authority a ORDER BY a.person_id, a.role, a.process, a.entity, a.effective_from LOOP
      PERFORM audit.append('policy', 'setting:review.authority', audit.object('step', audit.text('row changed'), 'table', audit.text('review.authority'),
        'before', audit.row_text('review.authority', held.content - '{cost_centre,code,variance_limit,variance_pct}'::text[]), 'after', audit.row_text('review.authority', held.content),
        'by', audit.text(session_user::text), 'at', audit.text(ops.utc(now()))));
    END LOOP;
  END IF;
END $$;
