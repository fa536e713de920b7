-- Question: what does the ledger know of these machine decisions, beside their records?
-- Grain: one row per decision, in the order in which they were made.
SELECT d.decision_id, d.subject_id, d.subject_kind || ':' || d.subject_key AS subject, d.subject_key, d.maker, d.outcome, d.rule, d.decided_at, d.run_id, d.policy_id, d.policy_version, d.policy_sha256,
       encode(d.evidence_hash, 'hex') AS evidence_sha256, d.explanation -> 'inputs' AS inputs, r.package_version,
       encode(i.content_hash, 'hex') AS content_sha256, i.invoice_number, coalesce(i.supplier_id, i.supplier_group) AS supplier,
       CASE WHEN i.invoice_id IS NOT NULL THEN jsonb_build_object('load_id', i.load_id::text, 'original_sha256', encode(o.sha256, 'hex'),
         'received_at', ops.utc(i.received_at), 'source', l.source) END AS document
FROM ledger.decision d
LEFT JOIN ops.run r ON r.run_id = d.run_id
LEFT JOIN purchasing.invoice i ON d.subject_kind = 'invoice' AND i.invoice_id = d.subject_id
LEFT JOIN intake.document o ON o.document_id = i.document_id
LEFT JOIN intake.load l ON l.load_id = i.load_id
WHERE d.decision_id = ANY (%(decisions)s)
ORDER BY d.decision_id
