-- Question: which original documents does this case speak of?
-- Grain: one row per document, without its content.
SELECT d.document_id, encode(d.sha256, 'hex') AS sha256, d.media_type, length(d.content) AS bytes,
       c.handover #>> '{document,filename}' AS filename
  FROM review.case c
  JOIN intake.document d ON d.document_id = CASE c.subject_kind
         WHEN 'invoice' THEN (SELECT i.document_id FROM purchasing.invoice i WHERE i.invoice_id = c.subject_id)
         WHEN 'quarantine' THEN (SELECT q.document_id FROM intake.quarantine q WHERE q.quarantine_id = c.subject_id) END
 WHERE c.case_id = %(case_id)s
