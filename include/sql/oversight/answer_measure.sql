-- Act: approve or decline that single persons are measured, or end it. The ledger itself checks who may, and refuses with a BO code.
-- Grain: one row.
SELECT review.answer_person_measure(%(system)s, %(user_id)s, %(measure_id)s, %(answer)s, %(reason)s, %(idempotency_key)s, %(sealed)s) AS answer
