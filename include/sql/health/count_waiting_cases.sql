-- Question: how many cases that this person may see wait by role, for how long, and how many are past due?
-- Grain: one row per role.
SELECT c.role, count(*) AS cases, min(c.opened_at) AS oldest, count(*) FILTER (WHERE c.inbox_due < CURRENT_DATE) AS past_due
  FROM review.case c
 WHERE c.state IN ('open', 'half_decided')
   AND (%(everything)s OR (c.process, c.entity) IN (SELECT * FROM unnest(%(processes)s::text[], %(entities)s::text[])))
 GROUP BY c.role
 ORDER BY c.role
