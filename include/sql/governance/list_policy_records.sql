-- Question: which records of the audit log speak of this policy?
-- Grain: one row per record, in the order of writing.
SELECT r.record_id, r.body FROM audit.record r WHERE r.kind = 'policy' AND r.subject = 'policy:' || %(policy_id)s ORDER BY r.record_id
