-- Act: say something about a case. The ledger checks who may, and refuses with a BO code.
-- Grain: one row.
SELECT review.comment_case(%(case_id)s, %(system)s, %(user_id)s, %(reason)s, %(idempotency_key)s, %(sealed)s) AS answer
