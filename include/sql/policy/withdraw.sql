-- Act: withdraw a change of a policy that one proposed oneself. The ledger itself checks who may.
-- Grain: one row.
SELECT review.withdraw_policy(%(proposal_id)s, %(system)s, %(user_id)s, %(reason)s, %(idempotency_key)s, %(sealed)s) AS answer
