-- Act: place a legal hold; it stands at once. The ledger itself checks who may, and refuses with a BO code.
-- Grain: one row.
SELECT review.place_hold(%(system)s, %(user_id)s, %(scope_kind)s, %(scope)s, %(reason)s, %(idempotency_key)s, %(sealed)s) AS answer
