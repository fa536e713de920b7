-- Question: what did this person answer, the latest first, and what became of it?
-- Grain: one row per answer. A case that the person may not see any more has no title.
SELECT a.answer_id, a.case_id, a.action, a.reason_code, a.reason, a.final, a.answered_at, a.booked_at, a.booking_result,
       c.state, c.role, CASE WHEN review.may_read(%(person_id)s, c.process, c.entity) THEN c.title END AS title,
       c.amount, c.currency
  FROM review.answer a
  JOIN review.case c USING (case_id)
 WHERE a.person_id = %(person_id)s AND a.answer_id < %(before)s
 ORDER BY a.answer_id DESC
 LIMIT %(most)s
