-- Question: which questions wait for this person's answer?
-- Grain: one row per question, the oldest first.
SELECT c.case_id, q.act_id, c.title, p.name AS asked_by, q.reason AS question, q.acted_at AS asked_at
  FROM review.case_act q
  JOIN review.case c USING (case_id)
  JOIN review.person p ON p.person_id = q.person_id
 WHERE q.act = 'ask' AND q.to_person = %(person_id)s AND c.state IN ('open', 'half_decided')
   AND (review.open_question(c)).act_id = q.act_id
 ORDER BY q.act_id
