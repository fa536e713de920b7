-- audit: the hash tree over all records, its signed checkpoints and where they were laid down outside (docs/reference/audit-log.md).
ALTER TABLE audit.record DROP CONSTRAINT record_kind_check;
ALTER TABLE audit.record ADD CONSTRAINT record_kind_check
  CHECK (kind IN ('decision', 'effect', 'api_call', 'path', 'human', 'policy', 'seal', 'key', 'erasure', 'alert', 'restore'));
ALTER TABLE audit.record ADD COLUMN recorded_at timestamptz NOT NULL DEFAULT now();

-- Records that no checkpoint covers yet. A record gets its row in the transaction that writes it, so that one that commits late
-- is sealed late and never passed over. (No foreign key: one function writes both, and the check would cost as much as the row.)
CREATE TABLE audit.waiting (record_id bigint PRIMARY KEY, since timestamptz NOT NULL DEFAULT now());
INSERT INTO audit.waiting (record_id) SELECT r.record_id FROM audit.record r;

-- The place of each sealed record in the tree: dense from 0, in the order of sealing.
CREATE TABLE audit.leaf (
  leaf_index        bigint PRIMARY KEY CHECK (leaf_index >= 0),
  record_id         bigint NOT NULL UNIQUE
);

-- Every key that ever signed, in the one-line form of signed notes.
CREATE TABLE audit.sealing_key (
  key_id            text PRIMARY KEY CHECK (key_id ~ '^[0-9a-f]{8}$'),
  line              text NOT NULL UNIQUE,
  introduced_at     timestamptz NOT NULL DEFAULT now(),
  record_id         bigint NOT NULL REFERENCES audit.record
);

CREATE TABLE audit.seal (
  seal_no           bigint PRIMARY KEY CHECK (seal_no > 0),
  size              bigint NOT NULL UNIQUE CHECK (size > 0),
  root              bytea NOT NULL CHECK (octet_length(root) = 32),
  -- roots of the perfect subtrees of this size, largest first: what the next seal goes on from
  edge              bytea[] NOT NULL,
  note              text NOT NULL,
  key_id            text NOT NULL REFERENCES audit.sealing_key,
  reason            text NOT NULL,
  sealed_at         timestamptz NOT NULL DEFAULT now()
);

-- Roots of each full block of 256 leaves, so that a proof reads one block and these and not the whole log. Derived: a wrong one
-- makes proofs that do not hold, never a wrong proof that does.
CREATE TABLE audit.block (block_no bigint PRIMARY KEY CHECK (block_no >= 0), root bytea NOT NULL CHECK (octet_length(root) = 32));

-- Where checkpoints were laid down outside this database, and where that failed.
CREATE TABLE audit.anchor (
  anchor_id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  seal_no           bigint NOT NULL REFERENCES audit.seal,
  anchor            text NOT NULL,
  receipt           text,
  failure           text,
  anchored_at       timestamptz NOT NULL DEFAULT now(),
  CHECK ((receipt IS NULL) <> (failure IS NULL))
);
CREATE INDEX anchor_by_seal ON audit.anchor (seal_no);
