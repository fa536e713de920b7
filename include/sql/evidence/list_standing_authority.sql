-- Question: which authority stands in the table now?
-- Grain: one row per authority.
SELECT a.person_id, a.role, a.process, a.entity, a.effective_from, a.amount_limit, a.currency::text AS currency FROM review.authority a
