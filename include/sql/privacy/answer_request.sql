-- Act: approve a request, which carries it out, or decline it. The ledger itself checks who may, and refuses with a BO code.
-- Grain: one row.
SELECT review.answer_privacy_request(%(system)s, %(user_id)s, %(request_id)s, %(answer)s, %(reason)s, %(idempotency_key)s, %(sealed)s) AS answer
