-- Question: whose queues does this person look after today because they stand in for them?
-- Grain: one row per person, role, process and company; no role: only cases in which that person is named.
SELECT person_id, scope, role, process, entity FROM review.queues_stood_in(%(person_id)s)
