-- Question: which codes do the cases that wait for a person carry?
-- Grain: one row per code.
SELECT i.code, count(DISTINCT i.case_id) AS cases
  FROM review.case c
  JOIN review.case_item i USING (case_id)
 WHERE c.state IN ('open', 'half_decided')
 GROUP BY i.code
 ORDER BY i.code
