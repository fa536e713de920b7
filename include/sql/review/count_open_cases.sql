-- Question: how many cases that this person may see wait for anybody, and how many of them for this one, by role?
-- Grain: one row per role.
SELECT c.role, count(*) AS cases,
       count(*) FILTER (WHERE c.candidate_person = %(person_id)s OR c.role = ANY (%(roles)s)) AS mine
  FROM review.case c
 WHERE c.state IN ('open', 'half_decided') AND review.may_read(%(person_id)s, c.process, c.entity)
 GROUP BY c.role
 ORDER BY c.role
