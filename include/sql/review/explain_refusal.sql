-- Question: what does each action of this case need, and why may this person not take it? Answered for display by what
-- review.decide_case itself asks.
-- Grain: one row per action of the case; kind and reason are null when the person may. highest is the largest limit
-- that the person has in the case's role.
SELECT o.action, CASE WHEN taken.by_other AND o.kind IS DISTINCT FROM 'closed' THEN 'claimed' ELSE o.kind END AS kind, o.reason, review.name_of(c.claimed_by) AS claimed_by, f.name AS on_behalf_of, o.persons_needed, o.persons_given, o.members, o.with_roles, o.veto_roles,
       mine.highest, mine.currency
  FROM review.case c
 CROSS JOIN LATERAL review.offered_to(%(person_id)s, c.case_id) o
 CROSS JOIN LATERAL (SELECT coalesce(c.claimed_by <> %(person_id)s, false) AND NOT review.is_idle(c) AS by_other) taken
  LEFT JOIN review.person f ON f.person_id = o.on_behalf_of
  LEFT JOIN LATERAL (
       SELECT u.amount_limit AS highest, u.currency
         FROM review.authority u
        WHERE u.person_id = %(person_id)s AND u.role = c.role
          AND u.process IN ('*', c.process) AND u.entity IN ('*', c.entity)
          AND ops.business_date(c.entity) BETWEEN u.effective_from AND coalesce(u.effective_to, 'infinity')
        ORDER BY u.amount_limit DESC LIMIT 1) mine ON true
 WHERE c.case_id = %(case_id)s
