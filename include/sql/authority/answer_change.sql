-- Act: approve a change as it was shown, which makes it; refuse it; or withdraw one's own. The ledger itself checks who may.
-- Grain: one row.
SELECT review.answer_access_change(%(system)s, %(user_id)s, %(change_id)s, %(act)s, %(shown_sha256)s, %(reason)s, %(idempotency_key)s, %(sealed)s) AS answer
