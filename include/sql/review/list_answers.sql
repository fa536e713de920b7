-- Question: who answered this case how, and what became of the answer?
-- Grain: one row per answer, oldest first.
SELECT a.answer_id, a.person_id, p.name AS person, f.name AS on_behalf_of, a.persons_needed, a.action, a.reason_code, a.reason, a.final, a.answered_at,
       a.booked_at, a.booking_result
  FROM review.answer a
  JOIN review.person p USING (person_id)
  LEFT JOIN review.person f ON f.person_id = a.acted_for
 WHERE a.case_id = %(case_id)s
 ORDER BY a.answer_id
