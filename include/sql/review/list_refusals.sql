-- Question: which of these cases may this person not decide so, and why? Answered for display by what review.decide_case itself asks.
-- Grain: one row per case that they may not.
SELECT case_id, reason FROM review.why_not(%(person_id)s, %(case_ids)s, %(action)s)
 UNION ALL
SELECT c.case_id, review.name_of(c.claimed_by) || ' has taken this case'
  FROM review.case c
 WHERE c.case_id = ANY (%(case_ids)s) AND c.claimed_by <> %(person_id)s AND NOT review.is_idle(c) AND c.state IN ('open', 'half_decided')
