-- Question: what in the ledger can this name mean?
-- Grain: one row per thing and way of naming it; rank 1 is meant exactly, rank 2 but for spelling.
WITH named AS (
  SELECT i.invoice_id, CASE WHEN i.invoice_id = %(invoice_id)s OR i.content_hash = %(sha256)s OR i.invoice_number = %(name)s
                              OR %(name)s IN (i.supplier_id || '/' || i.invoice_number, i.supplier_group || '/' || i.invoice_number) THEN 1 ELSE 2 END AS rank
  FROM purchasing.invoice i
  WHERE i.invoice_id = %(invoice_id)s OR i.content_hash = %(sha256)s
     OR i.invoice_number = %(name)s OR i.supplier_id || '/' || i.invoice_number = %(name)s OR i.supplier_group || '/' || i.invoice_number = %(name)s
     OR i.number_key = %(number_key)s
  UNION ALL
  SELECT i.invoice_id, 1 FROM intake.document d JOIN purchasing.invoice i ON i.document_id = d.document_id
  WHERE d.sha256 = %(sha256)s AND i.content_hash <> %(sha256)s
)
SELECT 'invoice' AS kind, i.invoice_id AS id, NULL::text AS name, 'invoice:' || i.invoice_id AS exact, n.rank,
       replace(i.kind, '_', ' ') || ' ' || i.invoice_number || ' of ' || coalesce(i.supplier_id, i.supplier_group) || ', ' || i.invoice_date || ', '
         || trim_scale(i.gross_total) || ' ' || i.currency || ', content ' || left(encode(i.content_hash, 'hex'), 12) AS title
FROM named n JOIN purchasing.invoice i ON i.invoice_id = n.invoice_id
UNION ALL
SELECT 'entry', e.entry_id, e.business_key, 'entry:' || e.entry_id, 1, 'journal entry ' || e.business_key || ' (' || e.event || ', ' || e.posting_date || ')'
FROM ledger.journal_entry e WHERE e.entry_id = %(entry_id)s OR e.business_key = %(name)s
UNION ALL
SELECT 'payment', p.proposal_id, NULL, 'payment:' || p.proposal_id, 1,
       'payment proposal of ' || trim_scale(p.amount) || ' ' || p.currency || ' on ' || p.pay_on || ' (' || p.state || ')'
FROM ledger.payment_proposal p WHERE p.proposal_id = %(payment_id)s
UNION ALL
SELECT 'case', c.case_id, NULL, 'case:' || c.case_id, 1, 'case ' || c.case_id || ' of ' || c.role || ' (' || replace(c.state, '_', ' ') || ')'
FROM review.case c WHERE c.case_id = %(case_id)s OR c.subject_kind = 'quarantine' AND c.subject_key = encode(%(sha256)s, 'hex')
UNION ALL
SELECT 'policy', v.version, v.policy_id, 'policy:' || v.policy_id || '@' || v.version, 1,
       'policy ' || v.policy_id || ' version ' || v.version || ' (' || left(v.sha256, 12) || ')'
FROM ledger.policy_version v WHERE v.policy_id = %(policy_id)s AND v.version = coalesce(%(policy_version)s, v.version)
ORDER BY rank, kind, id
