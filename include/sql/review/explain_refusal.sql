-- Question: why may this person not decide this case now? Answered for display; review.decide_case is what enforces it.
-- Grain: one row; refusal is null when the person may. highest is the largest limit the person has in the role.
SELECT CASE
         WHEN c.state NOT IN ('open', 'half_decided') THEN 'closed'
         WHEN c.claimed_by <> %(person_id)s AND NOT review.is_idle(c) THEN 'claimed'
         WHEN NOT mine.in_role THEN 'role'
         WHEN NOT mine.within_limit THEN 'limit'
         WHEN c.subject_kind = 'invoice' AND review.may_have_ordered(%(person_id)s, c.subject_id) THEN 'own_order'
         WHEN c.state = 'half_decided' AND first.person_id = %(person_id)s THEN 'first_answer'
       END AS refusal,
       mine.highest, mine.currency, review.name_of(c.claimed_by) AS claimed_by
  FROM review.case c
  JOIN ops.entity e USING (entity)
 CROSS JOIN LATERAL (
       SELECT count(*) > 0 AS in_role,
              coalesce(bool_or(c.amount IS NULL OR u.amount_limit >= c.amount), false)
                AS within_limit,
              max(u.amount_limit) AS highest, max(u.currency) AS currency
         FROM review.authority u
        WHERE u.person_id = %(person_id)s AND u.role = c.role
          AND u.process IN ('*', c.process) AND u.entity IN ('*', c.entity)
          AND ops.business_date(c.entity) BETWEEN u.effective_from AND coalesce(u.effective_to, 'infinity')) mine
  LEFT JOIN LATERAL (
       SELECT a.person_id FROM review.answer a
        WHERE a.case_id = c.case_id AND NOT a.final ORDER BY a.answer_id DESC LIMIT 1) first ON true
 WHERE c.case_id = %(case_id)s
