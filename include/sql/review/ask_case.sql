-- Act: ask for information about a case; its clock stands until it is given. The ledger checks who may, and refuses with a BO code.
-- Grain: one row.
SELECT review.ask_information(%(case_id)s, %(system)s, %(user_id)s, %(whom)s, %(reason)s, %(idempotency_key)s, %(sealed)s) AS answer
