-- Question: may this person see requests and holds?
-- Grain: one row.
SELECT review.is_data_protection_officer(%(person_id)s) AS may
