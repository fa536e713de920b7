-- Act: give the information that a case waits for. The ledger checks who may, and refuses with a BO code.
-- Grain: one row.
SELECT review.give_information(%(case_id)s, %(system)s, %(user_id)s, %(reason)s, %(idempotency_key)s, %(sealed)s) AS answer
