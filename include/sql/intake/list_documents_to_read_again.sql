-- Question: which quarantined documents of this source are to be read again and were not read since?
-- Grain: one row per document, with the fields it arrived with.
SELECT DISTINCT ON (q.content_hash) q.document_id, q.row_content
FROM intake.quarantine q
WHERE q.source = %(source)s AND q.dataset = 'invoices' AND q.state = 'reread' AND q.document_id IS NOT NULL
  AND NOT EXISTS (SELECT FROM purchasing.invoice i WHERE i.content_hash = q.content_hash)
  AND NOT EXISTS (SELECT FROM intake.quarantine later
                  WHERE later.dataset = 'invoices' AND later.content_hash = q.content_hash AND later.load_id > q.load_id)
ORDER BY q.content_hash, q.quarantine_id DESC
