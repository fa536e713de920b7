-- Where a table is not what the record of its changes says: changed past the record. Reads setting_record.
setting_now AS (
  SELECT t.tab, jsonb_object_agg(CASE f.key WHEN 'user_id' THEN 'user_hash' ELSE f.key END,
           CASE WHEN f.key = 'user_id' THEN audit.user_hash(t.content ->> 'person_id', f.value #>> '{}')
                WHEN jsonb_typeof(f.value) = 'number' THEN trim_scale((f.value #>> '{}')::numeric)::text ELSE f.value #>> '{}' END) AS line
  FROM (
    SELECT 'review.person' AS tab, to_jsonb(x) - '{name,email}'::text[] AS content FROM review.person x
    UNION ALL SELECT 'review.identity', to_jsonb(x) FROM review.identity x
    UNION ALL SELECT 'review.authority', to_jsonb(x) FROM review.authority x
    UNION ALL SELECT 'review.quorum_rule', to_jsonb(x) FROM review.quorum_rule x
    UNION ALL SELECT 'review.duty_rule', to_jsonb(x) FROM review.duty_rule x
    UNION ALL SELECT 'review.absence', to_jsonb(x) FROM review.absence x
    UNION ALL SELECT 'review.substitute', to_jsonb(x) FROM review.substitute x
    UNION ALL SELECT 'review.escalation', to_jsonb(x) FROM review.escalation x
    UNION ALL SELECT 'review.oversight_limit', to_jsonb(x) FROM review.oversight_limit x
    UNION ALL SELECT 'ledger.tolerance', to_jsonb(x) FROM ledger.tolerance x
    UNION ALL SELECT 'ledger.setting', to_jsonb(x) FROM ledger.setting x
    UNION ALL SELECT 'ledger.hold_code', to_jsonb(x) FROM ledger.hold_code x
    UNION ALL SELECT 'review.reason_code', to_jsonb(x) FROM review.reason_code x
    UNION ALL SELECT 'ledger.account', to_jsonb(x) FROM ledger.account x
    UNION ALL SELECT 'ledger.account_role', to_jsonb(x) FROM ledger.account_role x
    UNION ALL SELECT 'ledger.fiscal_period', to_jsonb(x) FROM ledger.fiscal_period x
    UNION ALL SELECT 'ledger.holiday', to_jsonb(x) FROM ledger.holiday x
    UNION ALL SELECT 'purchasing.uom_factor', to_jsonb(x) FROM purchasing.uom_factor x
    UNION ALL SELECT 'ops.entity', to_jsonb(x) FROM ops.entity x
    UNION ALL SELECT 'audit.retention', to_jsonb(x) FROM audit.retention x
    UNION ALL SELECT 'audit.record_class', to_jsonb(x) FROM audit.record_class x
    UNION ALL SELECT 'ops.installed_text', to_jsonb(x) - '{installed_at}'::text[] FROM ops.installed_text x
  ) t CROSS JOIN LATERAL jsonb_each(t.content) AS f(key, value)
  GROUP BY t.tab, t.content
), setting_known AS (
  SELECT s.tab, f.value AS line, 1 AS plus, s.n FROM setting_record s, jsonb_array_elements(s.found) AS f(value) WHERE s.step = 'on record'
  UNION ALL SELECT s.tab, s.after, 1, s.n FROM setting_record s WHERE s.after IS NOT NULL
  UNION ALL SELECT s.tab, s.before, -1, s.n FROM setting_record s WHERE s.before IS NOT NULL
), setting_expected AS (
  SELECT k.tab, k.line FROM setting_known k
  WHERE k.n > coalesce((SELECT max(s.n) FROM setting_record s WHERE s.tab = k.tab AND s.step = 'table emptied'), 0)
  GROUP BY k.tab, k.line HAVING sum(k.plus) > 0
), setting_drift AS (
  SELECT coalesce(w.tab, e.tab) AS tab, coalesce(w.line, e.line) AS line, w.line IS NULL AS gone
  FROM setting_now w FULL JOIN setting_expected e ON e.tab = w.tab AND e.line = w.line WHERE w.line IS NULL OR e.line IS NULL
)
