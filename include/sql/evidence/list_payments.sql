-- Question: what was proposed for payment in the period?
-- Grain: one row per proposal.
WITH {{ include: governance/period }}
SELECT 'payment:' || p.proposal_id AS key, (p.proposed_at AT TIME ZONE 'UTC')::date::text AS day, p.amount, p.currency::text AS currency, 'payment:' || p.proposal_id AS ref
FROM period t JOIN ledger.payment_proposal p ON p.proposed_at >= t.since AND p.proposed_at < t.until
