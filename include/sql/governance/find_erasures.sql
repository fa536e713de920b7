-- Question: which of these records lost their bytes by a purge that a record of the log accounts for?
-- Grain: one row per record. The record of the purge has its own hash, and tells how many records went and their hash.
WITH missing AS (
  SELECT l.record_id, p.erasure FROM audit.leaf l JOIN audit.purged p ON p.leaf_index = l.leaf_index WHERE l.record_id = ANY (%(records)s)
), said AS (
  SELECT e.record_id, convert_from(e.body, 'UTF8')::jsonb AS body FROM audit.record e
  WHERE e.record_id IN (SELECT m.erasure FROM missing m) AND e.kind = 'erasure' AND e.leaf = sha256('\x00'::bytea || e.body)
)
SELECT m.record_id FROM missing m JOIN said s ON s.record_id = m.erasure JOIN audit.purge_sum g ON g.erasure = m.erasure
WHERE s.body ->> 'step' = 'records purged' AND (s.body ->> 'records', s.body ->> 'leaves_sha256') = (g.records::text, g.leaves_sha256)
