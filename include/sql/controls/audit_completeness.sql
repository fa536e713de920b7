-- Question: has every decision, entry, answer, case, run, load, payment proposal and policy version its audit record?
-- Population: all of these of the period. A record whose content was purged at the end of its retention counts by its subject.
WITH {{ include: governance/period }}, {{ include: governance/policy_versions }},
written AS MATERIALIZED (
  -- recorded in the transaction of what it describes, so not much before the period begins
  SELECT r.subject, r.kind, r.body IS NULL AS purged, convert_from(r.body, 'UTF8')::jsonb AS body FROM period t JOIN audit.record r ON r.recorded_at >= t.since - interval '1 day'
  WHERE r.kind IN ('decision', 'human', 'effect', 'path', 'policy') AND NOT starts_with(r.subject, 'setting:')
), named AS MATERIALIZED (
  SELECT w.kind || '/' || w.subject || '/' || x.field || '/' || x.value AS mark
  FROM written w CROSS JOIN LATERAL (VALUES ('decision', w.body ->> 'decision_id'), ('answer', w.body ->> 'answer_id'), ('case', CASE WHEN w.body ->> 'step' = 'case opened' THEN w.body ->> 'case_id' END),
    ('entry', w.body ->> 'business_key'), ('load', CASE WHEN w.body ->> 'step' = 'load accepted' THEN w.body ->> 'load_id' END), ('run', CASE WHEN w.body ->> 'step' = 'run opened' THEN w.body ->> 'run_id' END),
    ('policy', CASE WHEN coalesce(w.body ->> 'step', 'approved') IN ('approved', 'activated by the owner') THEN w.body ->> 'sha256' END),
    ('act', (w.body ->> 'proposal_id') || ' ' || (w.body ->> 'step')), ('payment', CASE WHEN w.body ->> 'effect' = 'payment proposed' THEN 'proposed' END)) AS x(field, value)
  WHERE x.value IS NOT NULL
), purged AS MATERIALIZED (
  SELECT DISTINCT w.kind, w.subject FROM written w WHERE w.purged
), wanted AS MATERIALIZED (
  SELECT CASE d.maker WHEN 'machine' THEN 'decisions of the machine' ELSE 'decisions of people' END AS unit, CASE d.maker WHEN 'machine' THEN 'decision' ELSE 'human' END AS kind,
         review.log_subject(d.subject_kind, d.subject_key) AS subject, 'decision' AS field, d.decision_id::text AS value, 'decision ' || d.decision_id AS ref,
         coalesce(d.person_id, 'machine') AS who, d.decided_at AS at
  FROM period t JOIN ledger.decision d ON d.decided_at >= t.since AND d.decided_at < t.until
  UNION ALL
  SELECT 'answers', 'human', review.log_subject(k.subject_kind, k.subject_key), 'answer', n.answer_id::text, 'answer ' || n.answer_id, n.person_id, n.answered_at
  FROM period t JOIN review.answer n ON n.answered_at >= t.since AND n.answered_at < t.until JOIN review.case k ON k.case_id = n.case_id
  UNION ALL
  SELECT 'cases', 'path', review.log_subject(k.subject_kind, k.subject_key), 'case', k.case_id::text, 'case ' || k.case_id, 'run ' || k.opened_run, k.opened_at
  FROM period t JOIN review.case k ON k.opened_at >= t.since AND k.opened_at < t.until
  UNION ALL
  SELECT 'entries', 'effect', coalesce('invoice:' || encode(i.content_hash, 'hex'), 'receipt:' || r.entity || '/' || r.receipt_number || '/' || r.receipt_line), 'entry', e.business_key, e.business_key, coalesce(e.person_id, 'run ' || e.run_id), e.booked_at
  FROM period t JOIN ledger.journal_entry e ON e.booked_at >= t.since AND e.booked_at < t.until
  LEFT JOIN purchasing.invoice i ON i.invoice_id = e.invoice_id LEFT JOIN purchasing.receipt_line r ON r.receipt_line_id = e.receipt_line_id
  UNION ALL
  SELECT 'loads', 'path', 'run:' || l.run_id, 'load', l.load_id::text, 'load ' || l.load_id, 'run ' || l.run_id, l.accepted_at FROM period t JOIN intake.load l ON l.state = 'accepted' AND l.accepted_at >= t.since AND l.accepted_at < t.until
  UNION ALL
  SELECT 'runs', 'path', 'run:' || r.run_id, 'run', r.run_id::text, 'run ' || r.run_id, r.dag_id || ' ' || r.airflow_run_id, r.started_at FROM period t JOIN ops.run r ON r.started_at >= t.since AND r.started_at < t.until
  UNION ALL
  SELECT 'policy versions', 'policy', 'policy:' || v.policy_id, 'policy', v.sha256, 'policy ' || v.policy_id || ' version ' || v.version, coalesce(v.approved_by, v.owner_name), v.entered_at
  FROM period t JOIN policy_carried v ON v.entered_at >= t.since AND v.entered_at < t.until
  UNION ALL
  SELECT 'acts on policies', 'policy', 'policy:' || p.policy_id, 'act', a.proposal_id || ' ' || CASE a.act WHEN 'propose' THEN 'proposed' WHEN 'approve' THEN 'approved' WHEN 'refuse' THEN 'refused' ELSE 'withdrawn' END,
         a.act || ' of proposal ' || a.proposal_id, a.person_id, a.acted_at FROM period t JOIN review.policy_act a ON a.acted_at >= t.since AND a.acted_at < t.until JOIN review.policy_proposal p ON p.proposal_id = a.proposal_id
  UNION ALL
  SELECT 'payment proposals', 'effect', 'invoice:' || encode(i.content_hash, 'hex'), 'payment', 'proposed', 'payment of ' || i.invoice_number, 'run ' || p.run_id, p.proposed_at
  FROM period t JOIN ledger.payment_proposal p ON p.proposed_at >= t.since AND p.proposed_at < t.until JOIN purchasing.invoice i ON i.invoice_id = p.invoice_id
), population (unit, items, amount, currency, tested) AS (
  SELECT w.unit, 1, NULL::numeric, NULL::text, true FROM wanted w
), finding (check_id, ref, what, who, at, amount, currency, notice) AS (
  SELECT 'no_record', w.ref, 'has no audit record', w.who, w.at, NULL::numeric, NULL::text, false
  FROM wanted w LEFT JOIN named n ON n.mark = w.kind || '/' || w.subject || '/' || w.field || '/' || w.value LEFT JOIN purged p ON p.kind = w.kind AND p.subject = w.subject
  WHERE n.mark IS NULL AND p.subject IS NULL
)
{{ include: controls/summary }}
