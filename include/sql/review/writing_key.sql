-- Act: hold the key of the person behind this log-in for the rest of the transaction; it is made when they act for the first time.
-- Grain: one row.
SELECT subject, key FROM vault.writing_key(%(system)s, %(user_id)s)
