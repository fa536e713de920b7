-- Question: how many cases of what this person may see wait for anybody, and how many of them for this one, by role and process?
-- Grain: one row per role and process.
-- In braces: the condition of backoffice.web.inbox_query for what is theirs; nothing that anybody typed.
SELECT c.role, c.process, count(*) AS cases,
       count(*) FILTER (WHERE {mine}) AS mine
  FROM review.case c
 WHERE c.state IN ('open', 'half_decided')
   AND (%(everything)s OR (c.process, c.entity) IN (SELECT * FROM unnest(%(processes)s::text[], %(entities)s::text[])))
 GROUP BY c.role, c.process
 ORDER BY c.role, c.process
