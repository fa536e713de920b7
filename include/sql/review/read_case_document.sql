-- Question: what are the original bytes of this document, if the case speaks of it and this person may see the case?
-- Grain: one row, or none.
SELECT d.document_id, d.media_type, d.content, c.handover #>> '{document,filename}' AS filename
  FROM review.case c
  JOIN intake.document d ON d.document_id = CASE c.subject_kind
         WHEN 'invoice' THEN (SELECT i.document_id FROM purchasing.invoice i WHERE i.invoice_id = c.subject_id)
         WHEN 'quarantine' THEN (SELECT q.document_id FROM intake.quarantine q WHERE q.quarantine_id = c.subject_id) END
 WHERE c.case_id = %(case_id)s AND d.document_id = %(document_id)s
   AND review.may_read(%(person_id)s, c.process, c.entity)
