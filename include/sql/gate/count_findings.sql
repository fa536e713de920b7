-- How many findings of one check stand on this load?
-- One row.
SELECT count(*)
FROM intake.finding
WHERE load_id = %(load_id)s AND dataset = %(dataset)s AND check_id = %(check_id)s
