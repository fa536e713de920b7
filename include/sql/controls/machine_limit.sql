-- Question: did the machine book only what the policy in force let it, and does every entry come from an event that books?
-- Population: all entries posted in the period, at their debit amount.
WITH {{ include: governance/period }}, {{ include: governance/policy_versions }},
posted AS MATERIALIZED (
  SELECT e.entry_id, e.business_key, e.event, e.booked_at, e.invoice_id, e.receipt_line_id, e.reverses_entry_id, e.decision_id, s.amount, s.currency
  FROM period t JOIN ledger.journal_entry e ON e.posting_date BETWEEN t.first_day AND t.last_day
  LEFT JOIN (SELECT l.entry_id, l.currency, sum(l.debit) AS amount FROM ledger.journal_line l GROUP BY l.entry_id, l.currency) s ON s.entry_id = e.entry_id
), document AS MATERIALIZED (
  SELECT p.*, i.invoice_number, abs(i.gross_total) AS gross, i.currency AS document_currency, d.maker, d.subject_kind, d.subject_id, d.policy_id, d.policy_version, d.policy_sha256, d.person_id, d.outcome, v.machine_limit,
         v.currency AS limit_currency, CASE d.maker WHEN 'human' THEN coalesce(n.name, d.person_id) ELSE coalesce(d.authority, 'nobody') END AS who
  FROM (SELECT DISTINCT ON (x.entry_id) x.* FROM posted x WHERE x.event IN ('invoice', 'credit_note') ORDER BY x.entry_id) p LEFT JOIN purchasing.invoice i ON i.invoice_id = p.invoice_id LEFT JOIN ledger.decision d ON d.decision_id = p.decision_id
  LEFT JOIN review.person n ON n.person_id = d.person_id
  LEFT JOIN policy_carried v ON v.policy_id = 'approve_invoice' AND v.since <= p.booked_at AND v.until > p.booked_at
), population (unit, items, amount, currency, tested) AS (
  SELECT 'entries', 1, p.amount, p.currency, true FROM posted p
), finding (check_id, ref, what, who, at, amount, currency, notice) AS (
  SELECT 'no_decision', coalesce(d.invoice_number, d.business_key), 'booked without a decision on this document', d.who, d.booked_at, d.gross, d.document_currency, false
  FROM document d WHERE d.maker IS NULL OR d.subject_kind <> 'invoice' OR d.subject_id IS DISTINCT FROM d.invoice_id
  UNION ALL
  SELECT 'above_machine_limit', d.invoice_number, 'booked above what the machine may decide (' || coalesce(trim_scale(d.machine_limit)::text || ' ' || d.limit_currency, 'no policy in force') || '), and nobody approved the amount', d.who, d.booked_at, d.gross, d.document_currency, false
  FROM document d
  WHERE (d.machine_limit IS NULL OR d.document_currency <> d.limit_currency OR d.gross > d.machine_limit)
    AND NOT EXISTS (SELECT FROM ledger.hold h JOIN ledger.decision a ON a.decision_id = h.release_decision_id AND a.maker = 'human' AND a.outcome = 'accept'
                    WHERE h.invoice_id = d.invoice_id AND h.code = 'APPROVAL' AND h.release_kind = 'person' AND h.released_at <= d.booked_at)
  UNION ALL
  SELECT 'policy_not_in_force', d.invoice_number, 'decided by ' || coalesce(d.policy_id || ' version ' || d.policy_version, 'no policy') || ', which was not in force when it was booked', d.who, d.booked_at, d.gross, d.document_currency, false
  FROM document d
  WHERE d.maker = 'machine' AND NOT EXISTS (SELECT FROM policy_carried v WHERE v.policy_id = d.policy_id AND v.version = d.policy_version AND v.sha256 = d.policy_sha256
    AND v.since <= d.booked_at AND v.until > d.booked_at)
  UNION ALL
  SELECT 'unknown_event', p.business_key, CASE WHEN p.event IN ('goods_receipt', 'reclassification', 'reversal') THEN p.event || ' without what it books' ELSE 'event ' || p.event || ' is none that the product books' END,
         'unknown', p.booked_at, p.amount, p.currency, false
  FROM posted p
  WHERE p.event NOT IN ('goods_receipt', 'invoice', 'credit_note', 'reclassification', 'reversal')
     OR p.event = 'goods_receipt' AND p.receipt_line_id IS NULL OR p.event = 'reclassification' AND p.invoice_id IS NULL OR p.event = 'reversal' AND p.reverses_entry_id IS NULL
  UNION ALL
  SELECT 'reversed_by_nobody', p.business_key, 'reversed without the decision of a person', 'unknown', p.booked_at, p.amount, p.currency, false
  FROM posted p LEFT JOIN ledger.decision d ON d.decision_id = p.decision_id
  WHERE p.event = 'reversal' AND (d.maker IS DISTINCT FROM 'human' OR d.outcome <> 'reject' OR d.subject_id IS DISTINCT FROM p.invoice_id)
)
{{ include: controls/summary }}
