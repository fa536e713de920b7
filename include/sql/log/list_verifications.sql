-- Question: when was the log verified last, how far, and what failed?
-- Grain: one row per verification, the latest first.
SELECT v.extent, v.records, v.size, v.failed, v.left_out, v.by_whom, v.verified_at
  FROM audit.verification v
 ORDER BY v.verification_id DESC
 LIMIT %(most)s
