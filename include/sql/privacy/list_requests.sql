-- Question: which erasures, purges and liftings were asked for, by whom, and what became of them?
-- Grain: one row per request, the latest first.
SELECT q.request_id, q.act, q.person_id, q.basis, q.hold_id, q.record_class, q.before, q.reason, asked.name AS requested_by, q.requested_at,
       q.state, answered.name AS answered_by, q.answer_reason, q.answered_at, q.result
  FROM review.privacy_request q
  JOIN review.person asked ON asked.person_id = q.requested_by
  LEFT JOIN review.person answered ON answered.person_id = q.answered_by
 WHERE %(state)s::text IS NULL OR q.state = %(state)s
 ORDER BY q.request_id DESC
 LIMIT %(most)s
