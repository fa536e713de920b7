-- Question: how did the installed texts and the tolerances change, as recorded?
-- Grain: one row per record, in the order of its subject.
SELECT r.subject, convert_from(r.body, 'UTF8') AS body FROM audit.record r
WHERE r.subject IN ('setting:ops.installed_text', 'setting:ledger.tolerance') AND r.body IS NOT NULL ORDER BY r.subject, r.n
