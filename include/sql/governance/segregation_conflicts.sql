-- Question: who stood on two sides of one document, case or policy in the period, or held roles that do not go together?
-- Grain: one row per conflict, person and thing. breach: a rule of segregation was broken, or cannot be shown to have been kept;
-- otherwise it was allowed by the authority that was given, and somebody has to judge it.
WITH {{ include: governance/period }}, {{ include: governance/authority_versions }}, {{ include: governance/policy_versions }}, {{ include: governance/conflicts }}
SELECT c.conflict, c.breach, c.ref, c.person_id, coalesce(p.name, c.person_id) AS person, c.one_side, c.other_side, c.at, c.amount, c.currency
FROM conflict c LEFT JOIN review.person p ON p.person_id = c.person_id
ORDER BY c.breach DESC, c.conflict, c.at, c.ref, c.person_id
