-- Question: which checkpoints were signed last, and where were they laid down outside this database?
-- Grain: one row per checkpoint, the latest first.
SELECT s.seal_no, s.size, s.size || ':' || left(encode(s.root, 'hex'), 16) AS short, s.key_id, s.reason, s.sealed_at,
       coalesce((SELECT array_agg(DISTINCT a.anchor) FROM audit.anchor a WHERE a.seal_no = s.seal_no AND a.failure IS NULL), '{}') AS anchored,
       coalesce((SELECT array_agg(DISTINCT a.anchor) FROM audit.anchor a WHERE a.seal_no = s.seal_no AND a.failure IS NOT NULL
                    AND NOT EXISTS (SELECT FROM audit.anchor b WHERE b.seal_no = a.seal_no AND b.anchor = a.anchor AND b.failure IS NULL)), '{}') AS failed
  FROM audit.seal s
 ORDER BY s.seal_no DESC
 LIMIT %(most)s
