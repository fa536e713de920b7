-- Act: name the key that takes the place of a lost one. The ledger checks who may.
-- Grain: one row.
SELECT audit.propose_lost_key(%(system)s, %(user_id)s, %(line)s, %(key_id)s, %(reason)s, %(idempotency_key)s, %(sealed)s) AS answer
