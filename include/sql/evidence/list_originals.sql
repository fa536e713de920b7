-- Question: which original documents are these, as they arrived? A file that holds more than this one document is not among them.
-- Grain: one row per document.
SELECT encode(d.sha256, 'hex') AS sha256, d.media_type, d.content FROM intake.document d
WHERE d.sha256 IN (SELECT i.content_hash FROM purchasing.invoice i WHERE i.invoice_id = ANY (%(invoices)s)
                   UNION SELECT q.content_hash FROM review.case c JOIN intake.quarantine q ON c.subject_kind = 'quarantine' AND q.quarantine_id = c.subject_id WHERE c.case_id = ANY (%(cases)s))
ORDER BY 1
