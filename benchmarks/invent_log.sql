-- Records of an audit log, as many as a night of :count documents' steps would leave: half are calls, a quarter decisions with their
-- facts, a quarter steps about the same documents. :first is the number of the first.
WITH decided AS (
  INSERT INTO ledger.decision (process, subject_kind, subject_id, subject_key, maker, outcome, rule, authority, policy_id, policy_version, policy_sha256, evidence_hash, run_id, explanation)
  SELECT 'invoice_reconciliation', 'invoice', i, encode(sha256(i::text::bytea), 'hex'), 'machine', 'approve', 'matched', 'machine up to 100000 EUR', 'approve_invoice', 2,
         repeat('ab', 32), sha256(('e' || i)::bytea), i / 1000,
         jsonb_build_object('inputs', said.inputs, 'not_yet', '[]'::jsonb)
  FROM generate_series(:first + 2, :first + :count - 1, 4) AS i, (SELECT
    '{"business_days_waited":"3","days_until_due":"27","gross_amount":{"amount":"120000","currency":"EUR"},"match_state":"held","receipt":"not_missed","sources_delivered":true}'::jsonb AS inputs) AS said
  RETURNING decision_id, subject_id AS i, subject_key, evidence_hash, explanation
), invented AS (
  SELECT i, 'api_call' AS kind, 'run:' || i / 1000 AS subject, row_number() OVER (PARTITION BY i / 1000 ORDER BY i) AS n,
         audit.object('run_id', audit.text((i / 1000)::text), 'method', audit.text('GET'), 'url', audit.text('erp:/erp/orders?page=' || i), 'status', audit.text('200'),
           'sha256', audit.text(encode(sha256(i::text::bytea), 'hex')), 'size', audit.text('51234'), 'at', audit.text(ops.utc(now())), 'recorded_at', audit.text(ops.utc(now()))) AS body
  FROM generate_series(:first, :first + :count - 1) AS i WHERE i % 4 < 2
  UNION ALL
  SELECT d.i, 'decision', 'invoice:' || d.subject_key, 1,
         audit.object('decision_id', audit.text(d.decision_id::text), 'outcome', audit.text('approve'), 'rule', audit.text('matched'), 'authority', audit.text('machine up to 100000 EUR'),
           'policy_id', audit.text('approve_invoice'), 'policy_version', audit.text('2'), 'policy_sha256', audit.text(repeat('ab', 32)), 'evidence_sha256', audit.text(encode(d.evidence_hash, 'hex')),
           'invoice_sha256', audit.text(d.subject_key), 'inputs', d.explanation ->> 'inputs', 'decision', '{"not_yet":[],"sentence":"Rule above_machine_limit: review by ap_manager, because gross_amount > 100000.00 EUR.","why":"Above the limit.","why_not":{"held":["match_state","held"],"matched":["match_state","matched"]}}', 'package_version', audit.text('0'),
           'run_id', audit.text((d.i / 1000)::text), 'at', audit.text(ops.utc(now())))
  FROM decided d
  UNION ALL
  SELECT i, 'path', 'invoice:' || encode(sha256((i - 1)::text::bytea), 'hex'), 2,
         audit.object('step', audit.text('case refreshed'), 'case_id', audit.text(i::text), 'role', audit.text('buyer'), 'title', audit.text('R-' || i || ' of Supplier: PRICE'),
           'run_id', audit.text((i / 1000)::text), 'at', audit.text(ops.utc(now())))
  FROM generate_series(:first + 3, :first + :count - 1, 4) AS i
), written AS (
  INSERT INTO audit.record (subject, n, kind, body)
  SELECT v.subject, v.n, v.kind, convert_to(v.body, 'UTF8') FROM invented v ORDER BY v.i RETURNING record_id
)
INSERT INTO audit.waiting (record_id) SELECT w.record_id FROM written w
