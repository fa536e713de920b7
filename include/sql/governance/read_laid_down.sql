-- Where the ledger says that its checkpoints lie outside. One row per checkpoint and place.
SELECT a.seal_no, a.anchor, a.receipt, s.size, s.root
FROM audit.anchor a JOIN audit.seal s ON s.seal_no = a.seal_no WHERE a.receipt IS NOT NULL ORDER BY a.anchor_id
