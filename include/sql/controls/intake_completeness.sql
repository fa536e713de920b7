-- Question: is everything that was received accepted, set aside or known already, and is what was accepted on the books?
-- Population: rows of loads that were accepted in the period, by dataset; loads that were begun in it and came to no end.
WITH {{ include: governance/period }},
accepted AS MATERIALIZED (
  SELECT l.* FROM period t JOIN intake.load l ON l.accepted_at >= t.since AND l.accepted_at < t.until AND l.state = 'accepted'
), stored AS (
  SELECT a.load_id, count(i.invoice_id) AS n FROM accepted a LEFT JOIN purchasing.invoice i ON i.load_id = a.load_id WHERE a.dataset = 'invoices' GROUP BY a.load_id
  UNION ALL SELECT a.load_id, count(r.receipt_line_id) FROM accepted a LEFT JOIN purchasing.receipt_line r ON r.load_id = a.load_id WHERE a.dataset = 'receipts' GROUP BY a.load_id
  UNION ALL SELECT a.load_id, count(v.business_key) FROM accepted a LEFT JOIN purchasing.master_version v ON v.load_id = a.load_id AND v.kind = CASE a.dataset WHEN 'orders' THEN 'order_line' ELSE 'supplier' END
    WHERE a.dataset IN ('orders', 'suppliers') GROUP BY a.load_id
), unfinished AS (
  SELECT l.* FROM period t JOIN intake.load l ON l.started_at >= t.since AND l.started_at < t.until AND l.state NOT IN ('accepted', 'superseded', 'refused')
), population (unit, items, amount, currency, tested) AS (
  SELECT 'rows of ' || a.dataset, a.received_count, NULL::numeric, NULL::text, true FROM accepted a
  UNION ALL SELECT 'loads left unfinished', 1, NULL, NULL, true FROM unfinished u
), wrong (load_id, check_id, what, notice) AS (
  SELECT a.load_id, 'not_conserved', 'received ' || a.received_count || ', accepted ' || coalesce(a.accepted_count::text, '?') || ' + quarantined ' || coalesce(a.quarantined_count::text, '?') || ' + known ' || coalesce(a.known_count::text, '?'), false
  FROM accepted a WHERE (a.received_count = a.accepted_count + a.quarantined_count + a.known_count) IS NOT TRUE
  UNION ALL
  SELECT a.load_id, 'amount_not_conserved', 'received ' || coalesce(a.received_amount::text, '?') || ', accepted ' || coalesce(a.accepted_amount::text, '?') || ' + quarantined ' || coalesce(a.quarantined_amount::text, '?')
    || ' + known ' || coalesce(a.known_amount::text, '?') || '; unknown ' || coalesce(a.received_unknown::text, '?'), false
  FROM accepted a WHERE (a.received_amount = a.accepted_amount + a.quarantined_amount + a.known_amount AND a.received_unknown = a.accepted_unknown + a.quarantined_unknown + a.known_unknown) IS NOT TRUE
  UNION ALL
  SELECT a.load_id, 'not_what_the_source_sent', 'the source said ' || coalesce(a.source_count::text, '?') || ' rows of ' || coalesce(a.source_amount::text, '?') || ', received ' || a.received_count - a.judged_again || ' of ' || coalesce(a.received_amount::text, '?'), false
  FROM accepted a WHERE a.source_count <> a.received_count - a.judged_again OR a.source_amount <> a.received_amount AND a.judged_again = 0
  UNION ALL
  -- several versions of an order line or a supplier in one load are one version on the books
  SELECT a.load_id, 'accepted_and_not_stored', 'accepted ' || a.accepted_count || ', on the books ' || s.n, false
  FROM accepted a JOIN stored s ON s.load_id = a.load_id
  WHERE CASE WHEN a.dataset IN ('invoices', 'receipts') THEN s.n <> a.accepted_count ELSE s.n > a.accepted_count OR (s.n = 0) <> (a.accepted_count = 0) END
  UNION ALL
  SELECT u.load_id, 'left_unfinished', 'begun ' || to_char(u.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') || ' and still ' || u.state, u.started_at > now() - interval '1 day' FROM unfinished u
), finding (check_id, ref, what, who, at, amount, currency, notice) AS (
  SELECT w.check_id, 'load ' || l.load_id || ' (' || l.dataset || ' of ' || l.source || ')', w.what, 'run ' || l.run_id, coalesce(l.accepted_at, l.started_at), NULL::numeric, NULL::text, w.notice FROM wrong w JOIN intake.load l ON l.load_id = w.load_id
)
{{ include: controls/summary }}
