-- Question: which other cases are about the same document?
-- Grain: one row per case, the open ones first.
SELECT s.case_id, s.role, s.state, ARRAY(SELECT DISTINCT i.code FROM review.case_item i WHERE i.case_id = s.case_id ORDER BY 1) AS codes
  FROM review.case c
  JOIN review.case s ON s.process = c.process AND s.subject_kind = c.subject_kind AND s.subject_id = c.subject_id AND s.case_id <> c.case_id
 WHERE c.case_id = %(case_id)s AND review.may_read(%(person_id)s, s.process, s.entity)
 ORDER BY s.state NOT IN ('open', 'half_decided'), s.case_id
