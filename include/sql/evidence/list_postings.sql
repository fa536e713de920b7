-- Question: which entries were posted in the period, and what did each move?
-- Grain: one row per entry, at its debits in the currency of the company's ledger.
SELECT e.business_key AS key, e.posting_date::text AS day, coalesce(l.amount, 0) AS amount, c.ledger_currency AS currency, 'entry:' || e.entry_id AS ref
FROM ledger.journal_entry e JOIN ops.entity c ON c.entity = e.entity
LEFT JOIN (SELECT x.entry_id, sum(x.ledger_debit) AS amount FROM ledger.journal_line x GROUP BY x.entry_id) l ON l.entry_id = e.entry_id
WHERE e.posting_date BETWEEN %(first_day)s AND %(last_day)s
