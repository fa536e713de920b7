-- Policies are changed by two people: who proposed, who approved, from which business day. Which version decides follows from that
-- and from the day (view ledger.active_policy); no job and no column says it.
CREATE TABLE ledger.policy (
  policy_id text PRIMARY KEY,
  -- whose authority counts: the process that decides by it; '*' while nobody has said
  process text NOT NULL
);
INSERT INTO ledger.policy (policy_id, process)
SELECT DISTINCT v.policy_id, coalesce((SELECT d.process FROM ledger.decision d WHERE d.policy_id = v.policy_id LIMIT 1),
                                      CASE v.policy_id WHEN 'approve_invoice' THEN 'invoice_reconciliation' ELSE '*' END)
FROM ledger.policy_version v;

CREATE TABLE review.policy_proposal (
  proposal_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  policy_id text NOT NULL REFERENCES ledger.policy, version integer NOT NULL CHECK (version > 0), sha256 text NOT NULL, content text NOT NULL,
  machine_limit numeric(18,2) NOT NULL CHECK (machine_limit >= 0), currency char(3) NOT NULL,
  -- not before this business day, nor before it is approved
  effective_from date NOT NULL,
  -- the version that was the latest approved one when this was written
  replaces_version integer NOT NULL,
  -- what recorded decisions would become, as canonical text: its hash is what the second person signs
  impact_text text NOT NULL, impact jsonb NOT NULL GENERATED ALWAYS AS (impact_text::jsonb) STORED, impact_sha256 text NOT NULL,
  state text NOT NULL DEFAULT 'proposed' CHECK (state IN ('proposed', 'approved', 'refused', 'withdrawn')),
  proposed_by text NOT NULL REFERENCES review.person, proposed_at timestamptz NOT NULL,
  CONSTRAINT proposal_text_is_hashed CHECK (sha256 = encode(sha256(convert_to(content, 'UTF8')), 'hex')),
  CONSTRAINT impact_is_hashed CHECK (impact_sha256 = encode(sha256(convert_to(impact_text, 'UTF8')), 'hex'))
);
-- one text waits under a number, and one is approved under it
CREATE UNIQUE INDEX one_waiting_proposal ON review.policy_proposal (policy_id, version) WHERE state IN ('proposed', 'approved');

-- What people did with proposals, one row each.
CREATE TABLE review.policy_act (
  act_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  proposal_id bigint NOT NULL REFERENCES review.policy_proposal,
  act text NOT NULL CHECK (act IN ('propose', 'approve', 'refuse', 'withdraw')),
  idempotency_key text NOT NULL UNIQUE, person_id text NOT NULL REFERENCES review.person, principal text NOT NULL,
  reason text NOT NULL, acted_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX one_begin_of_proposal ON review.policy_act (proposal_id) WHERE act = 'propose';
CREATE UNIQUE INDEX one_end_of_proposal ON review.policy_act (proposal_id) WHERE act <> 'propose';

DROP VIEW IF EXISTS ledger.beyond_machine CASCADE; -- and what stands on it; the routines make them anew
DROP INDEX ledger.one_active_version;
ALTER TABLE ledger.policy_version
  ADD COLUMN effective_from date, -- business day from which it decides; without one, from its approval on
  ADD COLUMN effective_to date; -- last business day on which it decides, as its text says; without one, until the next version
-- a policy that somebody had ended stays ended: no version of it comes into force by this change
UPDATE ledger.policy_version v SET effective_from = '9999-12-31'
WHERE NOT EXISTS (SELECT FROM ledger.policy_version a WHERE a.policy_id = v.policy_id AND a.active_until IS NULL);
ALTER TABLE ledger.policy_version RENAME COLUMN active_from TO approved_at;
ALTER TABLE ledger.policy_version RENAME COLUMN activated_by TO approved_by;
ALTER TABLE ledger.policy_version DROP COLUMN active_until,
  ALTER COLUMN approved_at DROP DEFAULT,
  ADD FOREIGN KEY (policy_id) REFERENCES ledger.policy,
  -- the proposal that two people carried; without one the database's owner entered it
  ADD COLUMN proposal_id bigint UNIQUE REFERENCES review.policy_proposal,
  ADD COLUMN by_owner boolean NOT NULL GENERATED ALWAYS AS (proposal_id IS NULL) STORED,
  ADD CONSTRAINT version_by_people_has_a_day CHECK (proposal_id IS NULL OR effective_from IS NOT NULL),
  ADD CONSTRAINT version_begins_before_it_ends CHECK (effective_from <= effective_to),
  ADD CONSTRAINT version_text_is_hashed CHECK (sha256 = encode(sha256(convert_to(content, 'UTF8')), 'hex'));
-- two versions activated in one transaction stand in the order of their numbers
UPDATE ledger.policy_version v SET approved_at = v.approved_at + o.place * interval '1 microsecond'
FROM (SELECT policy_id, version, row_number() OVER (PARTITION BY policy_id, approved_at ORDER BY version) - 1 AS place FROM ledger.policy_version) o
WHERE o.policy_id = v.policy_id AND o.version = v.version AND o.place > 0;
CREATE UNIQUE INDEX policy_in_order ON ledger.policy_version (policy_id, approved_at);

-- The first decision by each version, as its audit record says.
CREATE TABLE ledger.policy_use (
  policy_id text NOT NULL, version integer NOT NULL, run_id bigint NOT NULL REFERENCES ops.run, first_used_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (policy_id, version), FOREIGN KEY (policy_id, version) REFERENCES ledger.policy_version
);
INSERT INTO ledger.policy_use (policy_id, version, run_id, first_used_at)
SELECT DISTINCT ON (d.policy_id, d.policy_version) d.policy_id, d.policy_version, d.run_id, d.decided_at
FROM ledger.decision d JOIN ledger.policy_version v ON v.policy_id = d.policy_id AND v.version = d.policy_version
WHERE d.run_id IS NOT NULL ORDER BY d.policy_id, d.policy_version, d.decision_id;
-- The latest decisions of a policy: what a change of it is tried on.
CREATE INDEX decision_by_policy ON ledger.decision (policy_id, decision_id) WHERE policy_id IS NOT NULL;
