-- Question: which public keys does the log know?
-- Grain: one row per key, the oldest first.
SELECT k.line FROM audit.sealing_key k ORDER BY k.record_id
