-- Act: ask that single persons are measured until a day. The ledger itself checks who may, and refuses with a BO code.
-- Grain: one row.
SELECT review.ask_person_measure(%(system)s, %(user_id)s, %(until)s, %(reason)s, %(idempotency_key)s, %(sealed)s) AS answer
