-- Question: is every accepted invoice line in exactly one state that its holds bear out?
-- Population: lines of invoices and credit notes accepted in the period, at their net amount.
WITH {{ include: governance/period }},
line AS MATERIALIZED (
  SELECT l.invoice_line_id, l.line_id, l.net_amount, i.invoice_id, i.invoice_number, i.currency, i.accepted_at, i.load_id, st.state AS document_state, s.state, q.queued_at
  FROM period t JOIN purchasing.invoice i ON i.accepted_at >= t.since AND i.accepted_at < t.until JOIN purchasing.invoice_line l ON l.invoice_id = i.invoice_id
  LEFT JOIN ledger.invoice_status st ON st.invoice_id = i.invoice_id LEFT JOIN ledger.line_state s ON s.invoice_line_id = l.invoice_line_id
  LEFT JOIN ledger.match_queue q ON q.invoice_id = i.invoice_id
), open_hold AS MATERIALIZED (
  SELECT h.invoice_id, h.invoice_line_id, string_agg(DISTINCT h.code, ', ' ORDER BY h.code) AS codes FROM ledger.hold h
  WHERE h.released_at IS NULL AND h.effect <> 'W' AND h.invoice_id IN (SELECT x.invoice_id FROM line x WHERE x.state = 'matched' OR x.document_state = 'matched') GROUP BY h.invoice_id, h.invoice_line_id
), population (unit, items, amount, currency, tested) AS (
  SELECT 'invoice lines', 1, l.net_amount, l.currency, true FROM line l
), finding (check_id, ref, what, who, at, amount, currency, notice) AS (
  SELECT 'no_state', l.invoice_number || ' line ' || l.line_id, CASE WHEN l.queued_at IS NULL THEN 'in no state and in no queue' ELSE 'in no state, waiting to be compared' END, 'load ' || l.load_id, l.accepted_at, l.net_amount, l.currency,
         coalesce(l.queued_at > now() - interval '1 day', false)
  FROM line l WHERE l.state IS NULL OR l.document_state IS NULL
  UNION ALL
  SELECT 'state_against_holds', l.invoice_number || ' line ' || l.line_id, 'stands as matched while ' || h.codes || ' is open', 'load ' || l.load_id, l.accepted_at, l.net_amount, l.currency, coalesce(l.queued_at > now() - interval '1 day', false)
  FROM line l JOIN open_hold h ON h.invoice_id = l.invoice_id AND (h.invoice_line_id IS NULL OR h.invoice_line_id = l.invoice_line_id)
  WHERE l.document_state <> 'rejected' AND (l.state = 'matched' OR l.document_state = 'matched')
)
{{ include: controls/summary }}
