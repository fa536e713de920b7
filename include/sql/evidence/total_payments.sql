-- Question: what does the journal owe for the documents that were proposed in the period?
-- Grain: one row per currency: entries that opened the debt, and what they credit to payables.
WITH {{ include: governance/period }}
SELECT l.currency::text AS currency, count(DISTINCT e.entry_id) AS items, sum(l.credit - l.debit) AS amount
FROM period t JOIN ledger.payment_proposal p ON p.proposed_at >= t.since AND p.proposed_at < t.until JOIN ledger.open_item o ON o.invoice_id = p.invoice_id
JOIN ledger.journal_entry e ON e.entry_id = o.opened_by_entry AND e.invoice_id = p.invoice_id JOIN ledger.journal_line l ON l.entry_id = e.entry_id
WHERE l.account IN (SELECT r.account FROM ledger.account_role r WHERE r.role = 'accounts_payable' AND r.entity IN ('*', e.entity)) GROUP BY l.currency
