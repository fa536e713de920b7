-- Act: approve a proposed change of a policy, on the impact that was shown. The ledger itself checks who may.
-- Grain: one row.
SELECT review.approve_policy(%(proposal_id)s, %(system)s, %(user_id)s, %(reason)s, %(impact_sha256)s, %(idempotency_key)s, %(sealed)s) AS answer
