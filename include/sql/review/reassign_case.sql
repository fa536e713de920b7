-- Act: hand a case to another person. The ledger checks who may, and refuses with a BO code.
-- Grain: one row.
SELECT review.reassign_case(%(case_id)s, %(system)s, %(user_id)s, %(to_person)s, %(reason)s, %(idempotency_key)s, %(sealed)s) AS answer
