-- Question: which checkpoint is the newest, and which is the newest that was laid down outside the ledger?
-- Grain: one row per checkpoint, the newest first; one row where they are the same.
SELECT s.size, s.note FROM audit.seal s
WHERE s.seal_no IN ((SELECT max(x.seal_no) FROM audit.seal x), (SELECT max(a.seal_no) FROM audit.anchor a WHERE a.receipt IS NOT NULL)) ORDER BY s.seal_no DESC
