-- Act: refuse a proposed change of a policy. The ledger itself checks who may.
-- Grain: one row.
SELECT review.refuse_policy(%(proposal_id)s, %(system)s, %(user_id)s, %(reason)s, %(idempotency_key)s, %(sealed)s) AS answer
