-- audit: append-only records. Canonical bytes in, leaf hash checked by the table itself.
CREATE TABLE audit.record (
  record_id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  subject           text NOT NULL,
  n                 integer NOT NULL,
  kind              text NOT NULL CHECK (kind IN ('decision', 'effect', 'api_call', 'path', 'human', 'policy')),
  body              bytea NOT NULL,
  leaf              bytea NOT NULL,
  xid               xid8 NOT NULL DEFAULT pg_current_xact_id(),
  UNIQUE (subject, n),
  CONSTRAINT leaf_is_hash_of_body CHECK (leaf = sha256('\x00'::bytea || body))
);
COMMENT ON TABLE audit.record IS 'Append-only. leaf = SHA-256(0x00 || body) as in RFC 6962; body is canonical JSON (docs/reference/audit-records.md).';
