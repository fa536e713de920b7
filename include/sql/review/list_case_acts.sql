-- Question: what did people do with this case and say about it?
-- Grain: one row per act, oldest first.
SELECT a.act_id, a.act, p.name AS person, a.reason AS words, receiver.name AS to_person, a.whom, a.round, a.answers, a.acted_at
  FROM review.case_act a
  JOIN review.person p USING (person_id)
  LEFT JOIN review.person receiver ON receiver.person_id = a.to_person
 WHERE a.case_id = %(case_id)s
 ORDER BY a.act_id
