-- Question: which of these records lost their bytes by a purge that a record of the log accounts for?
-- Grain: one row per record. The record of the purge has its own hash, and tells how many leaves went and the hash over the hashes of
-- their blocks, as audit.check_purges has it.
WITH missing AS (
  SELECT l.record_id, p.erasure FROM audit.leaf l JOIN audit.purged p ON p.leaf_index = l.leaf_index WHERE l.record_id = ANY (%(records)s)
), said AS (
  SELECT e.record_id, convert_from(e.body, 'UTF8')::jsonb AS body FROM audit.record e
  WHERE e.record_id IN (SELECT m.erasure FROM missing m) AND e.kind = 'erasure' AND e.leaf = sha256('\x00'::bytea || e.body)
), gone AS (
  SELECT b.erasure, sum(b.records)::text AS records, encode(sha256(string_agg(b.digest, ''::bytea ORDER BY b.block_no)), 'hex') AS leaves_sha256
  FROM (SELECT p.erasure, p.leaf_index / 256 AS block_no, count(*) AS records, sha256(string_agg(r.leaf, ''::bytea ORDER BY p.leaf_index)) AS digest
        FROM audit.purged p JOIN audit.leaf l ON l.leaf_index = p.leaf_index JOIN audit.record r ON r.record_id = l.record_id
        WHERE p.erasure IN (SELECT m.erasure FROM missing m) GROUP BY 1, 2) b GROUP BY b.erasure
)
SELECT m.record_id FROM missing m JOIN said s ON s.record_id = m.erasure JOIN gone g ON g.erasure = m.erasure
WHERE s.body ->> 'step' = 'records purged' AND (s.body ->> 'records', s.body ->> 'leaves_sha256') = (g.records, g.leaves_sha256)
