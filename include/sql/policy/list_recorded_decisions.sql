-- Question: which are the latest decisions that the machine made by a policy, and on what?
-- Grain: one row per decision, the latest first.
SELECT d.decision_id, d.decided_at, d.outcome, d.rule, d.explanation, i.invoice_number, i.supplier_id, abs(i.gross_total) AS amount, i.currency,
       v.machine_limit, v.currency AS limit_currency
  FROM ledger.decision d
  LEFT JOIN purchasing.invoice i ON d.subject_kind = 'invoice' AND i.invoice_id = d.subject_id
  LEFT JOIN ledger.policy_version v ON v.policy_id = d.policy_id AND v.version = d.policy_version
 WHERE d.policy_id = %(policy_id)s AND d.maker = 'machine'
 ORDER BY d.decision_id DESC
 LIMIT %(most)s
