-- Question: who may decide what, where, up to which amount and variance, and from when to when?
-- Grain: one row per authority of the people that are asked for.
SELECT u.person_id, p.name AS person, u.role, u.process, u.entity, u.cost_centre, u.code, u.amount_limit, u.currency,
       u.variance_limit, u.variance_pct, u.effective_from, u.effective_to,
       p.active AND audit.today() BETWEEN u.effective_from AND coalesce(u.effective_to, 'infinity') AS counts_today
  FROM review.authority u
  JOIN review.person p USING (person_id)
 WHERE %(sees_all)s OR u.person_id = %(person_id)s
 ORDER BY p.name, u.person_id, u.role, u.process, u.entity, u.cost_centre, u.code, u.effective_from
