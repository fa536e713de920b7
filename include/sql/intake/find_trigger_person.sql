-- Question: which person started this run by hand?
-- Grain: one row, or none when the log-in is mapped to nobody.
SELECT person_id FROM review.identity WHERE system = 'airflow' AND user_id = %s
