-- Question: may this person change what people may do, and see what everybody may do?
-- Grain: one row.
SELECT review.is_access_administrator(%(person_id)s) AS administers,
       review.is_access_administrator(%(person_id)s)
       OR EXISTS (SELECT FROM review.authority u WHERE u.person_id = %(person_id)s AND u.role = 'auditor' AND u.entity = '*'
                     AND audit.today() BETWEEN u.effective_from AND coalesce(u.effective_to, 'infinity')) AS sees_all
