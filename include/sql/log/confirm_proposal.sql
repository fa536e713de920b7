-- Act: confirm what another log keeper proposed. The ledger checks who may.
-- Grain: one row.
SELECT audit.confirm_proposal(%(proposal_id)s, decode(%(digest)s, 'hex'), %(system)s, %(user_id)s, %(reason)s, %(idempotency_key)s, %(sealed)s) AS answer
