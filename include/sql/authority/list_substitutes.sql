-- Question: who stands in for whom, for what, when, and up to which amount?
-- Grain: one row per substitute that is not over, of the people that are asked for.
SELECT s.person_id, p.name AS person, s.substitute_id, q.name AS substitute, s.role, s.process, s.entity, s.from_day, s.to_day,
       s.when_absent, s.amount_limit, s.currency
  FROM review.substitute s
  JOIN review.person p USING (person_id)
  JOIN review.person q ON q.person_id = s.substitute_id
 WHERE s.to_day >= audit.today() AND (%(sees_all)s OR %(person_id)s IN (s.person_id, s.substitute_id))
 ORDER BY p.name, s.from_day, q.name, s.role, s.process, s.entity
