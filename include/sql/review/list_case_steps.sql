-- Question: what was done with this case by itself?
-- Grain: one row per step, oldest first.
SELECT s.step, p.name AS person, s.role, s.priority, s.taken_at
  FROM review.case_step s
  LEFT JOIN review.person p USING (person_id)
 WHERE s.case_id = %(case_id)s
 ORDER BY s.step_id
