-- Act: propose a text as the next version of a policy. The ledger itself checks who may, and refuses with a BO code.
-- Grain: one row.
SELECT review.propose_policy(%(system)s, %(user_id)s, %(content)s, %(reason)s, %(effective_from)s, %(impact)s, %(idempotency_key)s, %(sealed)s) AS answer
