-- Question: which active person uses this log-in, and in which roles may they act today?
-- Grain: one row, or none when the log-in belongs to no active person.
SELECT p.person_id, p.name,
       coalesce((SELECT array_agg(DISTINCT a.role ORDER BY a.role)
                   FROM review.authority a
                  WHERE a.person_id = p.person_id
                    AND CURRENT_DATE BETWEEN a.effective_from AND coalesce(a.effective_to, 'infinity')), '{}') AS roles
  FROM review.identity i
  JOIN review.person p USING (person_id)
 WHERE i.system = %(system)s AND i.user_id = %(user_id)s AND p.active
