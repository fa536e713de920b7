-- Question: how large may a file be that somebody puts to a case, and of which types?
-- Grain: one row.
SELECT review.setting('attachment_max_bytes', 5242880) AS most_bytes,
       string_to_array(coalesce((SELECT s.value FROM ledger.setting s WHERE s.name = 'attachment_types'),
                                'application/pdf, image/png, image/jpeg, text/plain, application/xml'), ',') AS types
