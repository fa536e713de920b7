-- Question: which codes do the cases carry that wait for anybody and that this person may see?
-- Grain: one row per code.
SELECT i.code, h.title, count(DISTINCT i.case_id) AS cases
  FROM review.case c
  JOIN review.case_item i USING (case_id)
  LEFT JOIN ledger.hold_code h USING (code)
 WHERE c.state IN ('open', 'half_decided') AND i.settled_at IS NULL AND review.may_read(%(person_id)s, c.process, c.entity)
 GROUP BY i.code, h.title
 ORDER BY count(DISTINCT i.case_id) DESC, i.code
