-- Question: what does the journal of the period add up to, by the other side of its lines?
-- Grain: one row per currency: entries and credits.
SELECT c.ledger_currency AS currency, count(DISTINCT l.entry_id) AS items, sum(l.ledger_credit) AS amount
FROM ledger.journal_line l JOIN ledger.journal_entry e ON e.entry_id = l.entry_id JOIN ops.entity c ON c.entity = e.entity
WHERE e.posting_date BETWEEN %(first_day)s AND %(last_day)s GROUP BY c.ledger_currency
