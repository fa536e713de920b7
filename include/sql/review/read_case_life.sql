-- Question: where does this case stand, who has it, and what does it wait for?
-- Grain: one row, or none when there is no such case or this person may not see it.
SELECT c.case_id, s.status, c.claimed_by, claimant.name AS claimed_by_name, c.claimed_at, c.priority, c.priority_reason, c.due_at,
       c.waiting_since, c.escalated_role, coalesce(asked.name, (review.open_question(c)).whom) AS waits_for,
       c.claimed_by IS NOT DISTINCT FROM %(person_id)s AS mine,
       c.state IN ('open', 'half_decided') AND w.why_not IS NULL AS may_work, w.why_not AS why_not_work,
       review.stands_above(%(person_id)s, c) AS stands_above,
       (review.open_question(c)).to_person IS NOT DISTINCT FROM %(person_id)s AS asked_me
  FROM review.case c
  JOIN review.case_status s USING (case_id)
  CROSS JOIN LATERAL (SELECT review.why_not_work_on(%(person_id)s, c.case_id) AS why_not) w
  LEFT JOIN review.person claimant ON claimant.person_id = c.claimed_by
  LEFT JOIN review.person asked ON asked.person_id = (review.open_question(c)).to_person
 WHERE c.case_id = %(case_id)s AND review.may_read(%(person_id)s, c.process, c.entity)
