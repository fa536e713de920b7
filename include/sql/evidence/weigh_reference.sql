-- Question: how much would a pack of these things hold, and may this person see all of it?
-- Grain: one row.
SELECT (SELECT count(*) FROM audit.record r WHERE r.subject = ANY (%(subjects)s)) AS records,
       (SELECT coalesce(sum(length(d.content)), 0) FROM intake.document d WHERE d.document_id IN (
          SELECT i.document_id FROM purchasing.invoice i WHERE i.invoice_id = ANY (%(invoices)s)
          UNION
          SELECT q.document_id FROM review.case c JOIN intake.quarantine q ON q.quarantine_id = c.subject_id
           WHERE c.case_id = ANY (%(cases)s) AND c.subject_kind = 'quarantine')) AS bytes,
       NOT EXISTS (SELECT FROM (
          SELECT 'invoice_reconciliation' AS process, i.entity FROM purchasing.invoice i WHERE i.invoice_id = ANY (%(invoices)s)
          UNION
          SELECT 'invoice_reconciliation', e.entity FROM ledger.journal_entry e WHERE e.entry_id = ANY (%(entries)s)
          UNION
          SELECT c.process, c.entity FROM review.case c WHERE c.case_id = ANY (%(cases)s)) thing
          WHERE NOT review.may_read(%(person_id)s, thing.process, thing.entity)) AS readable
