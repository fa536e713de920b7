-- Question: which of these cases may this person not decide so, and why? Answered for display by what review.decide_case itself asks.
-- Grain: one row per case that they may not.
SELECT case_id, reason FROM review.why_not(%(person_id)s, %(case_ids)s, %(action)s)
