-- Act: take a case. The ledger checks who may, and refuses with a BO code; reason is empty.
-- Grain: one row.
SELECT review.claim_case(%(case_id)s, %(system)s, %(user_id)s, %(idempotency_key)s, %(sealed)s) AS answer
