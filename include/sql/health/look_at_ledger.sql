-- Question: how does the ledger stand: its clock, the audit log's sealer, and what waits to be sealed or booked?
-- Grain: one row. Answers are booked by whichever run or housekeeping comes first.
SELECT (SELECT m.business_date FROM ops.simulated_clock m) AS simulated_day,
       audit.sealer_is_there() AS sealer, seal.short AS checkpoint, seal.sealed_at,
       waiting.records AS unsealed, waiting.since AS unsealed_since,
       unbooked.answers AS unbooked, unbooked.since AS unbooked_since,
       booked.answers AS booked, booked.median_seconds, booked.longest_seconds
  FROM (SELECT count(*) AS records, min(w.since) AS since FROM audit.waiting w) waiting
 CROSS JOIN (SELECT count(*) AS answers, min(a.answered_at) AS since FROM review.answer a WHERE a.booked_at IS NULL AND a.final) unbooked
 CROSS JOIN (
       SELECT count(*) AS answers, percentile_cont(0.5) WITHIN GROUP (ORDER BY l.seconds) AS median_seconds, max(l.seconds) AS longest_seconds
         FROM (SELECT extract(epoch FROM a.booked_at - a.answered_at)::float8 AS seconds FROM review.answer a
                WHERE a.final AND a.booked_at IS NOT NULL ORDER BY a.answer_id DESC LIMIT 50) l) booked
  LEFT JOIN audit.latest_seal seal ON true
