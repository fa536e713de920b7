-- Act: take single entries out of a batch. The ledger checks who may, and refuses with a BO code.
-- Grain: one row.
SELECT review.take_out_of_batch(%(case_id)s, %(system)s, %(user_id)s, %(items)s, %(reason)s, decode(%(evidence_hash)s, 'hex'), %(idempotency_key)s, %(sealed)s) AS answer
