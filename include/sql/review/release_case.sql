-- Act: give a case back to the queue. The ledger checks who may, and refuses with a BO code.
-- Grain: one row.
SELECT review.release_case(%(case_id)s, %(system)s, %(user_id)s, %(reason)s, %(idempotency_key)s, %(sealed)s) AS answer
