-- Question: what needs more than one person, of whom, with which roles among them, and who may veto?
-- Grain: one row per rule.
SELECT name, role, process, entity, code, action, amount_from, currency, persons, of_persons, with_roles, veto_roles
  FROM review.quorum_rule
 ORDER BY name
