-- Question: what was asked about measuring single persons, by whom, what became of it, and what may this person do about it?
-- Grain: one row per request, the latest first; of who is no data protection officer those in force alone. A why_not is null when the person may.
SELECT m.measure_id, review.measure_state(m) AS state, m.until, m.reason, asked.name AS requested_by, m.requested_at,
       answered.name AS answered_by, m.answer_reason, m.answered_at, ended.name AS ended_by, m.end_reason, m.ended_at,
       (SELECT jsonb_object_agg(act, (review.why_no_measure_act(m, %(person_id)s, act)).message)
          FROM unnest(ARRAY['approve', 'decline', 'end']) AS act) AS why_not
  FROM review.person_measure m
  JOIN review.person asked ON asked.person_id = m.requested_by
  LEFT JOIN review.person answered ON answered.person_id = m.answered_by
  LEFT JOIN review.person ended ON ended.person_id = m.ended_by
 WHERE review.is_data_protection_officer(%(person_id)s) OR review.measure_state(m) = 'in_force'
 ORDER BY m.measure_id DESC
 LIMIT %(most)s
