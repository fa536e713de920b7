-- Question: who had which authority when, over the period, and who gave or took it?
-- Grain: one row per authority and stretch of time in which it was known with these values, if any day of the period lies in both its
-- effective days and that stretch; or if it was given or taken in the period.
WITH {{ include: governance/period }}, {{ include: governance/authority_versions }}
SELECT a.person_id, coalesce(p.name, a.person_id) AS person, a.role, a.process, a.entity, a.amount_limit, a.currency, a.effective_from, a.effective_to,
       nullif(a.known_from, '-infinity') AS known_from, a.granted_by, CASE a.granted_how WHEN 'row added' THEN 'given' WHEN 'row changed' THEN 'changed' ELSE a.granted_how END AS granted_how,
       nullif(a.known_until, 'infinity') AS known_until, a.ended_by, CASE a.ended_how WHEN 'row changed' THEN 'changed' WHEN 'row removed' THEN 'taken' ELSE a.ended_how END AS ended_how,
       a.known_from >= d.since AND a.known_from < d.until AS begins_in_period, a.known_until >= d.since AND a.known_until < d.until AS ends_in_period
FROM authority_version a CROSS JOIN period d LEFT JOIN review.person p ON p.person_id = a.person_id
WHERE a.known_from < d.until AND a.known_until >= d.since
  AND (a.effective_from <= d.last_day AND (a.effective_to IS NULL OR a.effective_to >= d.first_day) OR a.known_from >= d.since OR a.known_until < d.until)
ORDER BY a.person_id, a.role, a.process, a.entity, a.effective_from, a.known_from
