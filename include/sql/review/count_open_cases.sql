-- Question: how many cases wait for a person, by role and code, so that the filters can say so?
-- Grain: one row per role.
SELECT c.role, count(*) AS cases
  FROM review.case c
 WHERE c.state IN ('open', 'half_decided')
 GROUP BY c.role
 ORDER BY c.role
