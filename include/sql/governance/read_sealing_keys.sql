-- Every key that ever signed or will. One row per key, in the order of introduction.
SELECT k.key_id, k.line, k.record_id FROM audit.sealing_key k ORDER BY k.record_id
