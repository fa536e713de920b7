-- audit: what two log keepers agree about the log itself: a restore gave up its end, or its signing key is lost
-- (docs/how-to/back-up-and-restore.md, docs/how-to/replace-a-lost-signing-key.md). Append-only, both.
CREATE TABLE audit.log_proposal (
  proposal_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  act               text NOT NULL CHECK (act IN ('restore', 'lost_key')),
  -- a restore: the checkpoint that is given up, as it was signed, and the one on which the log goes on; none before its first seal
  note              text,
  abandoned_size    bigint CHECK (abandoned_size > 0),
  abandoned_root    bytea CHECK (octet_length(abandoned_root) = 32),
  continued_size    bigint CHECK (continued_size >= 0),
  continued_root    bytea CHECK (octet_length(continued_root) = 32),
  -- a lost key: the public line of the one that takes its place
  key_line          text,
  key_id            text CHECK (key_id ~ '^[0-9a-f]{8}$'),
  -- SHA-256 of all of the above: what the second person confirms
  digest            bytea NOT NULL CHECK (octet_length(digest) = 32),
  reason            text NOT NULL CHECK (trim(reason) <> ''),
  person_id         text NOT NULL REFERENCES review.person,
  principal         text NOT NULL,
  idempotency_key   text NOT NULL UNIQUE,
  proposed_at       timestamptz NOT NULL DEFAULT now(),
  CHECK (CASE act WHEN 'restore' THEN num_nulls(note, abandoned_size, abandoned_root, continued_size) = 0 AND num_nonnulls(key_line, key_id) = 0
         ELSE num_nulls(key_line, key_id) = 0 AND num_nonnulls(note, abandoned_size, abandoned_root, continued_size, continued_root) = 0 END)
);

CREATE TABLE audit.log_confirmation (
  proposal_id       bigint PRIMARY KEY REFERENCES audit.log_proposal,
  reason            text NOT NULL CHECK (trim(reason) <> ''),
  person_id         text NOT NULL REFERENCES review.person,
  principal         text NOT NULL,
  idempotency_key   text NOT NULL UNIQUE,
  record_id         bigint NOT NULL REFERENCES audit.record,
  confirmed_at      timestamptz NOT NULL DEFAULT now()
);
