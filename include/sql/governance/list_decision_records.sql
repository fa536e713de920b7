-- Question: which records of the audit log say what the machine decided on these subjects?
-- Grain: one row per record, in the order of writing; a body that was purged is NULL.
SELECT r.record_id, r.subject, r.n, r.body, r.leaf FROM audit.record r
WHERE r.kind = 'decision' AND r.subject = ANY (%(subjects)s) ORDER BY r.record_id
