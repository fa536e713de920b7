-- Question: which changes of what people may do were proposed that this person may see, and what became of them?
-- Grain: one row per change, those that wait first, then the latest.
SELECT c.change_id, c.kind, c.act, c.of_person, o.name AS of_name, c.before, c.after, c.name, c.email, c.user_id, c.impact,
       c.impact_sha256 AS shown_sha256, c.alone, c.state, c.reason, p.name AS proposed_by, c.proposed_at, c.answer_reason,
       a.name AS answered_by, c.answered_at,
       jsonb_build_object('approve', review.why_no_access_act(c.change_id, %(person_id)s, 'approve'),
                          'refuse', review.why_no_access_act(c.change_id, %(person_id)s, 'refuse'),
                          'withdraw', review.why_no_access_act(c.change_id, %(person_id)s, 'withdraw')) AS why_not
  FROM review.access_change c
  JOIN review.person p ON p.person_id = c.proposed_by
  LEFT JOIN review.person a ON a.person_id = c.answered_by
  LEFT JOIN review.person o ON o.person_id = c.of_person
 WHERE (%(change_id)s::bigint IS NULL OR c.change_id = %(change_id)s)
   AND (%(state)s::text IS NULL OR c.state = %(state)s)
   AND (%(sees_all)s OR %(person_id)s IN (c.proposed_by, c.of_person))
 ORDER BY c.state = 'proposed' DESC, c.change_id DESC
 LIMIT %(most)s
