-- audit: when the log was last verified, by whom, and what came of it.
CREATE TABLE audit.verification (
  verification_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  extent            text NOT NULL CHECK (extent IN ('full', 'incremental')),
  records           bigint NOT NULL CHECK (records >= 0),
  size              bigint NOT NULL CHECK (size >= 0),
  root              bytea CHECK (octet_length(root) = 32),
  -- names of the checks that failed, and of those that were not made
  failed            text[] NOT NULL,
  left_out          text[] NOT NULL,
  by_whom           text NOT NULL DEFAULT session_user,
  verified_at       timestamptz NOT NULL DEFAULT now(),
  CHECK ((size = 0) = (root IS NULL))
);
