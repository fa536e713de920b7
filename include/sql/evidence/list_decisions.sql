-- Question: what was decided in the period, by the machine and by people?
-- Grain: one row per decision, at the gross amount of its document; none for what could not be read.
WITH {{ include: governance/period }}
SELECT 'decision:' || d.decision_id AS key, (d.decided_at AT TIME ZONE 'UTC')::date::text AS day, abs(i.gross_total) AS amount, i.currency, coalesce('invoice:' || i.invoice_id, 'case:' || d.case_id) AS ref
FROM period t JOIN ledger.decision d ON d.decided_at >= t.since AND d.decided_at < t.until LEFT JOIN purchasing.invoice i ON d.subject_kind = 'invoice' AND i.invoice_id = d.subject_id
