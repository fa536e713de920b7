-- Act: put a file to a case; reason is its name. The ledger looks at its bytes, checks who may, and refuses with a BO code.
-- Grain: one row.
SELECT review.attach_file(%(case_id)s, %(system)s, %(user_id)s, %(reason)s, %(content)s, %(idempotency_key)s, %(sealed)s) AS answer
