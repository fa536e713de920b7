-- Act: ask for an erasure, a purge or the lifting of a hold; nothing happens before a second person approves.
-- Grain: one row.
SELECT review.request_privacy_act(%(system)s, %(user_id)s, %(act)s, %(person_id)s, %(basis)s, %(hold_id)s, %(record_class)s, %(before)s,
                                  %(reason)s, %(idempotency_key)s, %(sealed)s) AS answer
