-- Act: propose a change of what people may do; one's own absence or substitute is made at once. The ledger itself checks who may.
-- Grain: one row.
SELECT review.propose_access_change(%(system)s, %(user_id)s, %(kind)s, %(act)s, %(row)s, %(reason)s, %(idempotency_key)s, %(sealed)s) AS answer
