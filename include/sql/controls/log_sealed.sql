-- Question: is every audit record in the signed tree within five minutes, is the tree without a gap, and did nobody raise an alarm about it?
-- Population: audit records of the period. Five minutes, and one more until the sealer looks; records from before the first checkpoint
-- had no sealer yet.
WITH {{ include: governance/period }},
record AS MATERIALIZED (
  SELECT r.record_id, r.subject, r.n, r.kind, r.recorded_at, l.leaf_index, w.since AS waits_since, r.body IS NOT NULL AND r.leaf <> sha256('\x00'::bytea || r.body) AS altered
  FROM period t JOIN audit.record r ON r.recorded_at >= t.since AND r.recorded_at < t.until LEFT JOIN audit.leaf l ON l.record_id = r.record_id LEFT JOIN audit.waiting w ON w.record_id = r.record_id
), seal AS MATERIALIZED (
  SELECT s.*, lag(s.size, 1, 0) OVER by_number AS before, lag(s.root) OVER by_number AS root_before, lag(s.seal_no, 1, 0) OVER by_number AS number_before FROM audit.seal s WINDOW by_number AS (ORDER BY s.seal_no)
), sealed AS (
  SELECT r.record_id, r.subject, r.n, r.recorded_at, s.seal_no, s.sealed_at FROM record r JOIN seal s ON r.leaf_index >= s.before AND r.leaf_index < s.size
), population (unit, items, amount, currency, tested) AS (
  SELECT 'audit records', 1, NULL::numeric, NULL::text, true FROM record r
  UNION ALL SELECT 'checkpoints', 1, NULL, NULL, true FROM seal s JOIN period t ON s.sealed_at >= t.since AND s.sealed_at < t.until
), finding (check_id, ref, what, who, at, amount, currency, notice) AS (
  SELECT 'waits_too_long', 'record ' || r.record_id || ' (' || r.subject || ' ' || r.n || ')', 'waits for a checkpoint since ' || to_char(r.waits_since AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'), NULL::text, r.recorded_at, NULL::numeric, NULL::text, false
  FROM record r WHERE r.leaf_index IS NULL AND r.waits_since < now() - interval '6 minutes'
  UNION ALL
  SELECT 'never_to_be_sealed', 'record ' || r.record_id || ' (' || r.subject || ' ' || r.n || ')', 'is in no checkpoint and waits for none', NULL, r.recorded_at, NULL, NULL, false FROM record r WHERE r.leaf_index IS NULL AND r.waits_since IS NULL
  UNION ALL
  SELECT 'altered', 'record ' || r.record_id || ' (' || r.subject || ' ' || r.n || ')', 'its content does not have the hash of its leaf', NULL, r.recorded_at, NULL, NULL, false FROM record r WHERE r.altered
  UNION ALL
  SELECT CASE WHEN s.seal_no = 1 THEN 'before_the_first_checkpoint' ELSE 'sealed_late' END, 'checkpoint ' || s.seal_no, count(*) || ' records were sealed later than five minutes after they were written, the latest by ' || date_trunc('second', max(s.sealed_at - s.recorded_at)),
         NULL, s.sealed_at, NULL, NULL, s.seal_no = 1
  FROM sealed s WHERE s.sealed_at - s.recorded_at > interval '6 minutes' GROUP BY s.seal_no, s.sealed_at
  UNION ALL
  SELECT 'gap', 'checkpoint ' || s.seal_no, CASE WHEN s.number_before <> s.seal_no - 1 THEN 'follows checkpoint ' || s.number_before WHEN s.size <= s.before THEN 'does not grow: ' || s.before || ' to ' || s.size
      ELSE 'its note does not name size, root and the root before' END, NULL, s.sealed_at, NULL, NULL, false
  FROM seal s CROSS JOIN LATERAL string_to_array(s.note, E'\n') AS said
  WHERE s.number_before <> s.seal_no - 1 OR s.size <= s.before
     OR (said[2], said[3], said[4]) IS DISTINCT FROM (s.size::text, encode(s.root, 'base64'), 'previous ' || encode(coalesce(s.root_before, decode(repeat('00', 32), 'hex')), 'base64'))
  UNION ALL
  SELECT 'gap', 'the tree', 'has ' || x.leaves || ' leaves up to number ' || x.last || ', the last checkpoint covers ' || x.size, NULL, NULL, NULL, NULL, false
  FROM (SELECT count(*) AS leaves, coalesce(max(l.leaf_index), -1) AS last, (SELECT coalesce(max(s.size), 0) FROM audit.seal s) AS size FROM audit.leaf l) x WHERE x.leaves <> x.size OR x.last <> x.size - 1
  UNION ALL
  SELECT 'gap', 'subject ' || r.subject, 'has ' || count(*) || ' records up to number ' || max(r.n), NULL, max(r.recorded_at), NULL, NULL, false
  FROM audit.record r WHERE r.subject IN (SELECT x.subject FROM record x) GROUP BY r.subject HAVING count(*) <> max(r.n)
  UNION ALL
  SELECT 'laid_down_nowhere', 'checkpoint ' || s.seal_no, 'the newest checkpoint was laid down nowhere outside the database', NULL, s.sealed_at, NULL, NULL, false
  FROM (SELECT x.* FROM seal x ORDER BY x.seal_no DESC LIMIT 1) s WHERE s.sealed_at < now() - interval '1 minute' AND NOT EXISTS (SELECT FROM audit.anchor a WHERE a.seal_no = s.seal_no AND a.receipt IS NOT NULL)
  UNION ALL
  -- each one of the period, whatever followed, and the last one before its end
  SELECT 'verification_failed', 'verification ' || v.verification_id, 'failed: ' || array_to_string(v.failed, ', ')
      || coalesce('; the next one without a fault was verification ' || v.good || ' of ' || to_char(v.good_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'), '; none since was without a fault'),
    v.by_whom, v.verified_at, NULL, NULL, false
  FROM period t CROSS JOIN LATERAL (
    SELECT x.*, row_number() OVER (ORDER BY x.verification_id DESC) AS back, min(x.verification_id) FILTER (WHERE x.failed = '{}') OVER later AS good,
           min(x.verified_at) FILTER (WHERE x.failed = '{}') OVER later AS good_at
    FROM audit.verification x WHERE x.verified_at < t.until WINDOW later AS (ORDER BY x.verification_id ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING)) v
  WHERE v.failed <> '{}' AND (v.verified_at >= t.since OR v.back = 1)
  UNION ALL
  SELECT 'not_verified', 'the log', 'has checkpoints and was not verified in the period', NULL, NULL, NULL, NULL, false
  FROM period t WHERE NOT EXISTS (SELECT FROM audit.verification x WHERE x.verified_at >= t.since AND x.verified_at < t.until) AND EXISTS (SELECT FROM seal s WHERE s.sealed_at < t.until)
  UNION ALL
  SELECT 'anchor_failed', 'checkpoint ' || a.seal_no, a.anchor || ', ' || count(*) || ' times, at last: ' || (array_agg(a.failure ORDER BY a.anchor_id DESC))[1]
      || CASE WHEN bool_or(l.receipt) THEN '; it lies there by now' ELSE '' END, NULL, max(a.anchored_at), NULL, NULL, true
  FROM audit.anchor a JOIN period t ON a.anchored_at >= t.since AND a.anchored_at < t.until
  CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM audit.anchor x WHERE x.seal_no = a.seal_no AND x.anchor = a.anchor AND x.receipt IS NOT NULL) AS receipt) l
  WHERE a.failure IS NOT NULL GROUP BY a.seal_no, a.anchor
  UNION ALL
  SELECT 'alert', 'record ' || r.record_id, coalesce(b.body ->> 'alert', '?') || ': ' || coalesce(b.body ->> 'detail', ''), b.body ->> 'by', r.recorded_at, NULL, NULL, false
  FROM record x JOIN audit.record r ON r.record_id = x.record_id CROSS JOIN LATERAL (SELECT convert_from(r.body, 'UTF8')::jsonb AS body) b WHERE x.kind = 'alert' AND r.subject = 'log'
)
{{ include: controls/summary }}
