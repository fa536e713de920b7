-- Question: is nothing proposed for payment that is held, of another amount than booked, or without an approval?
-- Population: payment proposals made in the period, and those that stand now.
WITH {{ include: governance/period }}, {{ include: governance/policy_versions }},
proposed AS MATERIALIZED (
  SELECT p.proposal_id, p.invoice_id, p.amount, p.currency, p.state, p.proposed_at, i.invoice_number, i.gross_total, i.currency AS document_currency, d.maker, d.outcome, d.subject_id, d.decided_at, d.policy_id, d.policy_version,
         d.policy_sha256, d.case_id, d.decision_id, st.payment_block, st.state AS match_state, o.amount AS open_amount, o.currency AS open_currency,
         CASE d.maker WHEN 'human' THEN coalesce(n.name, d.person_id) ELSE coalesce(d.authority, 'nobody') END AS who
  FROM period t JOIN ledger.payment_proposal p ON p.proposed_at >= t.since AND p.proposed_at < t.until OR p.state = 'proposed' AND p.proposed_at < t.until
  JOIN purchasing.invoice i ON i.invoice_id = p.invoice_id LEFT JOIN ledger.decision d ON d.decision_id = p.decision_id LEFT JOIN review.person n ON n.person_id = d.person_id
  LEFT JOIN ledger.invoice_status st ON st.invoice_id = p.invoice_id LEFT JOIN ledger.open_item o ON o.invoice_id = p.invoice_id AND o.closed_by_entry IS NULL
), population (unit, items, amount, currency, tested) AS (
  SELECT 'payment proposals', 1, p.amount, p.currency, true FROM proposed p
), finding (check_id, ref, what, who, at, amount, currency, notice) AS (
  SELECT 'proposed_while_held', p.invoice_number, 'proposed for payment although ' || CASE WHEN h.code IS NOT NULL THEN h.code || ' stands' WHEN p.payment_block IS NOT FALSE THEN 'it is blocked' ELSE 'it is ' || p.match_state END,
         p.who, p.proposed_at, p.amount, p.currency, false
  FROM proposed p LEFT JOIN LATERAL (SELECT x.code FROM ledger.hold x WHERE x.invoice_id = p.invoice_id AND x.released_at IS NULL AND x.effect IN ('B', 'P') ORDER BY x.code LIMIT 1) h ON true
  WHERE p.state = 'proposed' AND (h.code IS NOT NULL OR p.payment_block IS NOT FALSE OR p.match_state IS DISTINCT FROM 'matched')
  UNION ALL
  SELECT 'other_amount', p.invoice_number, 'proposed ' || p.amount || ' ' || p.currency || ', open is ' || coalesce(p.open_amount || ' ' || p.open_currency, 'nothing'), p.who, p.proposed_at, p.amount, p.currency, false
  FROM proposed p WHERE p.state = 'proposed' AND (p.amount, p.currency) IS DISTINCT FROM (p.open_amount, p.open_currency)
  UNION ALL
  SELECT 'not_approved', p.invoice_number, 'proposed on a decision that does not approve it' || coalesce(' (' || p.maker || ': ' || p.outcome || ')', ''), p.who, p.proposed_at, p.amount, p.currency, false
  FROM proposed p
  WHERE p.subject_id IS DISTINCT FROM p.invoice_id OR NOT coalesce(CASE p.maker
    WHEN 'human' THEN p.outcome = 'accept' AND EXISTS (SELECT FROM review.answer n WHERE n.decision_id = p.decision_id AND n.booking_result = 'accepted')
    ELSE p.outcome = 'approve' AND EXISTS (SELECT FROM policy_carried v WHERE v.policy_id = p.policy_id AND v.version = p.policy_version AND v.sha256 = p.policy_sha256 AND v.since <= p.decided_at AND v.until > p.decided_at
      AND v.currency = p.document_currency AND abs(p.gross_total) <= v.machine_limit) END, false)
)
{{ include: controls/summary }}
