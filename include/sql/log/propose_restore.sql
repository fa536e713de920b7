-- Act: say that the database was restored and which signed checkpoint was given up. The ledger checks who may.
-- Grain: one row.
SELECT audit.propose_restore(%(system)s, %(user_id)s, %(note)s, %(size)s, %(root)s, %(reason)s, %(idempotency_key)s, %(sealed)s) AS answer
