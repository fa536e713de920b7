-- Question: does the journal balance, and do accounts payable, GR/IR and documents tie to it?
-- Population: entries posted in the period, at their debit amount by currency. Accounts payable and GR/IR are compared as they stand
-- now, over the whole journal.
WITH {{ include: governance/period }},
posted AS MATERIALIZED (
  SELECT e.* FROM period t JOIN ledger.journal_entry e ON e.posting_date BETWEEN t.first_day AND t.last_day
), summed AS MATERIALIZED (
  SELECT p.entry_id, l.currency, sum(l.debit) AS debit, sum(l.credit) AS credit, sum(l.ledger_debit) AS ledger_debit, sum(l.ledger_credit) AS ledger_credit
  FROM posted p LEFT JOIN ledger.journal_line l ON l.entry_id = p.entry_id GROUP BY p.entry_id, l.currency
), payable_account AS (
  SELECT a.entity, a.account FROM ledger.account_role a WHERE a.role = 'accounts_payable'
), owed AS MATERIALIZED (
  SELECT e.entry_id, e.entity, l.currency, sum(l.credit - l.debit) AS amount FROM ledger.journal_entry e JOIN ledger.journal_line l ON l.entry_id = e.entry_id
  WHERE l.account IN (SELECT a.account FROM payable_account a WHERE a.entity IN ('*', e.entity)) GROUP BY e.entry_id, e.entity, l.currency
), payable_tie AS (
  SELECT coalesce(i.entity, o.entity) AS entity, coalesce(i.currency, o.currency) AS currency, coalesce(i.amount, 0) AS items, coalesce(o.amount, 0) AS booked
  FROM (SELECT x.entity, x.currency, sum(x.amount) AS amount FROM ledger.open_item x WHERE x.closed_by_entry IS NULL GROUP BY 1, 2) i
  FULL JOIN (SELECT x.entity, x.currency, sum(x.amount) AS amount FROM owed x GROUP BY 1, 2) o ON o.entity = i.entity AND o.currency = i.currency
), gr_ir_tie AS (
  SELECT coalesce(g.order_line_id, j.order_line_id) AS order_line_id, coalesce(g.received_value, 0) AS received, coalesce(g.billed_value, 0) AS billed, coalesce(j.received, 0) AS booked_received, coalesce(j.billed, 0) AS booked_billed
  FROM ledger.gr_ir g FULL JOIN (
    SELECT l.order_line_id, coalesce(sum(l.credit - l.debit) FILTER (WHERE e.event = 'goods_receipt'), 0) AS received, coalesce(sum(l.debit - l.credit) FILTER (WHERE e.event <> 'goods_receipt'), 0) AS billed
    FROM ledger.journal_line l JOIN ledger.journal_entry e ON e.entry_id = l.entry_id
    WHERE l.order_line_id IS NOT NULL AND l.account IN (SELECT a.account FROM ledger.account_role a WHERE a.role = 'gr_ir') GROUP BY l.order_line_id) j ON j.order_line_id = g.order_line_id
), population (unit, items, amount, currency, tested) AS (
  SELECT 'entries', 1, s.debit, s.currency, true FROM summed s
  UNION ALL SELECT 'accounts payable, open items', 1, t.items, t.currency, true FROM payable_tie t
  UNION ALL SELECT 'order lines in GR/IR', 1, NULL, NULL, true FROM gr_ir_tie t
), finding (check_id, ref, what, who, at, amount, currency, notice) AS (
  SELECT 'unbalanced', p.business_key, CASE WHEN s.currency IS NULL THEN 'has no lines' ELSE 'debit ' || s.debit || ', credit ' || s.credit || '; in ledger currency ' || s.ledger_debit || ' and ' || s.ledger_credit END,
         coalesce(p.person_id, 'run ' || p.run_id), p.booked_at, s.debit - s.credit, s.currency, false
  FROM posted p JOIN summed s ON s.entry_id = p.entry_id WHERE s.currency IS NULL OR s.debit <> s.credit OR s.ledger_debit <> s.ledger_credit
  UNION ALL
  SELECT 'wrong_period', p.business_key, 'posted on ' || p.posting_date || ' into period ' || p.period, coalesce(p.person_id, 'run ' || p.run_id), p.booked_at, NULL, NULL, false
  FROM posted p WHERE NOT EXISTS (SELECT FROM ledger.fiscal_period f WHERE f.entity = p.entity AND f.period = p.period AND p.posting_date BETWEEN f.starts_on AND f.ends_on)
  UNION ALL
  SELECT 'not_what_the_document_says', p.business_key, 'books ' || coalesce(o.amount, 0) || ' into accounts payable, the document says ' || CASE i.kind WHEN 'credit_note' THEN -1 ELSE 1 END * round(i.payable_total, 2),
         coalesce(p.person_id, 'run ' || p.run_id), p.booked_at, coalesce(o.amount, 0) - CASE i.kind WHEN 'credit_note' THEN -1 ELSE 1 END * round(i.payable_total, 2), i.currency, false
  FROM posted p JOIN purchasing.invoice i ON i.invoice_id = p.invoice_id AND p.event IN ('invoice', 'credit_note') LEFT JOIN owed o ON o.entry_id = p.entry_id
  WHERE coalesce(o.amount, 0) <> CASE i.kind WHEN 'credit_note' THEN -1 ELSE 1 END * round(i.payable_total, 2) OR o.currency <> i.currency
  UNION ALL
  SELECT 'reversal_differs', p.business_key, 'does not turn ' || r.business_key || ' line by line', coalesce(p.person_id, 'run ' || p.run_id), p.booked_at, NULL, NULL, false
  FROM posted p JOIN ledger.journal_entry r ON r.entry_id = p.reverses_entry_id
  WHERE EXISTS (SELECT FROM (SELECT l.line_no, l.account, l.debit, l.credit, l.currency FROM ledger.journal_line l WHERE l.entry_id = p.entry_id) a
    FULL JOIN (SELECT l.line_no, l.account, l.debit, l.credit, l.currency FROM ledger.journal_line l WHERE l.entry_id = r.entry_id) b ON b.line_no = a.line_no
    WHERE (a.account, a.debit, a.credit, a.currency) IS DISTINCT FROM (b.account, b.credit, b.debit, b.currency))
  UNION ALL
  SELECT 'payables_do_not_tie', 'accounts payable of ' || t.entity, 'open items ' || t.items || ', journal ' || t.booked, NULL, NULL, t.items - t.booked, t.currency, false
  FROM payable_tie t WHERE t.items <> t.booked
  UNION ALL
  SELECT 'gr_ir_does_not_tie', 'GR/IR of order ' || o.po_number || '/' || o.po_line, 'kept: received ' || t.received || ', billed ' || t.billed || '; journal: ' || t.booked_received || ' and ' || t.booked_billed, NULL, NULL,
         t.billed - t.received - t.booked_billed + t.booked_received, o.currency, false
  FROM gr_ir_tie t LEFT JOIN purchasing.order_line o ON o.order_line_id = t.order_line_id WHERE (t.received, t.billed) <> (t.booked_received, t.booked_billed)
)
{{ include: controls/summary }}
