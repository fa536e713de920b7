-- Act: record a person's answer to a case. The ledger itself checks who may, and refuses with a BO code.
-- Grain: one row.
SELECT review.decide_case(%(case_id)s, %(system)s, %(user_id)s, %(action)s, %(reason_code)s, %(reason)s,
                          decode(%(evidence_hash)s, 'hex'), %(idempotency_key)s, %(sealed)s) AS answer
