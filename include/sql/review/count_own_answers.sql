-- Question: how much did this person answer, and what of it waits for somebody or something?
-- Grain: one row.
SELECT count(*) FILTER (WHERE a.answered_at >= CURRENT_DATE) AS today,
       count(*) FILTER (WHERE a.answered_at >= CURRENT_DATE - 6) AS week,
       count(*) FILTER (WHERE NOT a.final AND c.state = 'half_decided') AS second_person,
       count(*) FILTER (WHERE a.final AND a.booked_at IS NULL) AS unbooked,
       (SELECT count(*) FROM review.case k WHERE k.claimed_by = %(person_id)s AND k.state IN ('open', 'half_decided')) AS claimed
  FROM review.answer a
  JOIN review.case c USING (case_id)
 WHERE a.person_id = %(person_id)s
