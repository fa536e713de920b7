-- Question: of which processes and companies are there cases, and may this person see them?
-- Grain: one row per process and company.
WITH RECURSIVE company AS (
  (SELECT c.process, c.entity FROM review.case c ORDER BY c.process, c.entity LIMIT 1)
  UNION ALL
  SELECT n.process, n.entity FROM company o CROSS JOIN LATERAL (
         SELECT c.process, c.entity FROM review.case c WHERE (c.process, c.entity) > (o.process, o.entity)
          ORDER BY c.process, c.entity LIMIT 1) n)
SELECT process, entity, review.may_read(%(person_id)s, process, entity) AS readable FROM company
