-- Question: to whom may this case be handed?
-- Grain: one row per person who holds its role and does not have it, by name.
SELECT p.person_id, p.name
  FROM review.case c
  JOIN review.person p ON p.active AND p.person_id <> %(person_id)s AND p.person_id IS DISTINCT FROM c.claimed_by
 WHERE c.case_id = %(case_id)s AND review.may_read(%(person_id)s, c.process, c.entity) AND review.holds_role(p.person_id, c, c.role)
 ORDER BY p.name, p.person_id
