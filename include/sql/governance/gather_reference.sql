-- Question: what belongs to this invoice, entry, payment or case: documents, entries, decisions, cases, subjects of the audit log?
-- Grain: one row. Decisions end with the one that the entry, the payment or the answer rests on; a case that is open has them all.
WITH target AS (
  SELECT i.invoice_id, NULL::bigint AS entry_id, NULL::bigint AS case_id, NULL::text AS subject, NULL::bigint AS last_decision
  FROM purchasing.invoice i WHERE %(kind)s = 'invoice' AND i.invoice_id = %(id)s
  UNION ALL
  SELECT e.invoice_id, e.entry_id, NULL, 'receipt:' || r.entity || '/' || r.receipt_number || '/' || r.receipt_line,
         coalesce(e.decision_id, (SELECT max(d.decision_id) FROM ledger.decision d WHERE d.subject_kind = 'invoice' AND d.subject_id = e.invoice_id AND d.decided_at <= e.booked_at))
  FROM ledger.journal_entry e LEFT JOIN purchasing.receipt_line r ON r.receipt_line_id = e.receipt_line_id
  WHERE %(kind)s = 'entry' AND e.entry_id = %(id)s
  UNION ALL
  SELECT p.invoice_id, NULL, NULL, NULL, p.decision_id FROM ledger.payment_proposal p WHERE %(kind)s = 'payment' AND p.proposal_id = %(id)s
  UNION ALL
  SELECT CASE c.subject_kind WHEN 'invoice' THEN c.subject_id END, NULL, c.case_id, CASE WHEN c.subject_kind <> 'invoice' THEN review.log_subject(c.subject_kind, c.subject_key) END,
         CASE WHEN c.closed_at IS NOT NULL THEN (SELECT max(d.decision_id) FROM ledger.decision d
           WHERE d.subject_kind = c.subject_kind AND d.subject_id = c.subject_id AND (d.case_id = c.case_id OR d.decided_at <= c.closed_at)) END
  FROM review.case c WHERE %(kind)s = 'case' AND c.case_id = %(id)s
), batch AS (
  -- who signed for a batch that the invoice stood in, or took it out of one
  SELECT DISTINCT c.case_id, c.subject_kind, c.subject_key FROM target t JOIN review.batch_item x ON x.item_kind = 'posting' AND x.subject_id = t.invoice_id AND x.settled_run IS NOT NULL
  JOIN review.case c ON c.subject_kind = 'batch_signoff' AND c.subject_id = x.batch_id WHERE t.last_decision IS NULL OR %(kind)s <> 'case'
)
SELECT array_remove(ARRAY[t.invoice_id], NULL) AS invoice_ids,
       ARRAY(SELECT e.entry_id FROM ledger.journal_entry e WHERE e.invoice_id = t.invoice_id OR e.entry_id = t.entry_id ORDER BY 1) AS entry_ids,
       ARRAY(SELECT d.decision_id FROM ledger.decision d WHERE d.subject_kind = 'invoice' AND d.subject_id = t.invoice_id
             AND (t.last_decision IS NULL OR d.decision_id <= t.last_decision)
             UNION SELECT d.decision_id FROM ledger.decision d WHERE d.case_id = t.case_id OR d.case_id IN (SELECT b.case_id FROM batch b) ORDER BY 1) AS decision_ids,
       ARRAY(SELECT p.proposal_id FROM ledger.payment_proposal p WHERE p.invoice_id = t.invoice_id ORDER BY 1) AS payment_ids,
       ARRAY(SELECT c.case_id FROM review.case c WHERE c.subject_kind = 'invoice' AND c.subject_id = t.invoice_id OR c.case_id = t.case_id OR c.case_id IN (SELECT b.case_id FROM batch b) ORDER BY 1) AS case_ids,
       array_remove(ARRAY[(SELECT 'invoice:' || encode(i.content_hash, 'hex') FROM purchasing.invoice i WHERE i.invoice_id = t.invoice_id), t.subject], NULL)
         || ARRAY(SELECT review.log_subject(b.subject_kind, b.subject_key) FROM batch b ORDER BY 1)
         -- what people said and asked about its cases
         || ARRAY(SELECT DISTINCT 'case:' || a.case_id FROM review.case_act a JOIN review.case c ON c.case_id = a.case_id
                  WHERE c.subject_kind = 'invoice' AND c.subject_id = t.invoice_id OR c.case_id = t.case_id OR c.case_id IN (SELECT b.case_id FROM batch b) ORDER BY 1) AS subjects
FROM target t
