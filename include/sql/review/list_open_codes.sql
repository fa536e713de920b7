-- Question: which codes do cases carry that wait for anybody and that this person may see?
-- Grain: one row per code.
WITH RECURSIVE carried AS (
  (SELECT i.code FROM review.case_item i WHERE i.settled_at IS NULL ORDER BY i.code LIMIT 1)
  UNION ALL
  SELECT n.code FROM carried o CROSS JOIN LATERAL (
         SELECT i.code FROM review.case_item i WHERE i.settled_at IS NULL AND i.code > o.code ORDER BY i.code LIMIT 1) n)
SELECT carried.code, h.title
  FROM carried
  LEFT JOIN ledger.hold_code h USING (code)
 CROSS JOIN LATERAL (
       -- the first one found is enough; LIMIT keeps the planner from joining all of them
       SELECT FROM review.case_item i JOIN review.case c USING (case_id)
        WHERE i.code = carried.code AND i.settled_at IS NULL AND c.state IN ('open', 'half_decided')
          AND (%(everything)s OR (c.process, c.entity) IN (SELECT * FROM unnest(%(processes)s::text[], %(entities)s::text[])))
        LIMIT 1) one
 ORDER BY coalesce(h.title, carried.code)
