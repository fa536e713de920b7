-- What do the ledger's own tables know that is not on record, what is on record that they do not know, and what do both tell
-- differently or is on record twice? One row per fact. A record whose body was purged excuses the fact of its subject and kind.
WITH {{ include: governance/setting_records }}, {{ include: governance/setting_drift }},
fact AS (
  SELECT 'machine decision' AS what, d.decision_id::text AS key, 'decision' AS kind, 'invoice:' || d.subject_key AS subject,
         jsonb_build_array(d.outcome, d.rule, d.authority, d.policy_id, d.policy_version::text, d.policy_sha256, encode(d.evidence_hash, 'hex'), d.run_id::text, d.decided_at, d.explanation) AS says
  FROM ledger.decision d WHERE d.maker = 'machine'
  UNION ALL
  SELECT 'human decision', d.decision_id::text, 'human', review.log_subject(d.subject_kind, d.subject_key),
         jsonb_build_array(d.outcome, d.authority, d.case_id::text, encode(d.evidence_hash, 'hex'), d.person_id, d.reason_code, d.rule, d.explanation ->> 'final', d.decided_at)
  FROM ledger.decision d WHERE d.maker = 'human'
  UNION ALL
  SELECT 'answer', a.answer_id::text, 'human', review.log_subject(c.subject_kind, c.subject_key),
         jsonb_build_array(a.case_id::text, a.decision_id::text, a.action, a.reason_code, a.final::text, a.person_id, encode(a.evidence_hash, 'hex'), a.answered_at,
           a.acted_for, a.persons_needed::text, array_to_string(a.as_roles, ', '))
  FROM review.answer a JOIN review.case c ON c.case_id = a.case_id
  UNION ALL
  SELECT 'booked answer', a.answer_id::text, 'path', review.log_subject(c.subject_kind, c.subject_key),
         jsonb_build_array(a.case_id::text, CASE WHEN a.booking_result LIKE 'void:%%' THEN 'stale' ELSE a.booking_result END, a.booked_run::text)
  FROM review.answer a JOIN review.case c ON c.case_id = a.case_id WHERE a.booked_at IS NOT NULL
  UNION ALL
  SELECT 'case', c.case_id::text, 'path', review.log_subject(c.subject_kind, c.subject_key),
         jsonb_build_array(c.role, c.opened_run::text)
  FROM review.case c
  UNION ALL
  SELECT 'act on a case', a.act_id::text, 'human', 'case:' || a.case_id,
         jsonb_build_array(a.case_id::text, a.act, a.person_id, a.to_person, a.whom, a.round::text, a.answers::text, encode(sha256(t.content), 'hex'), t.bytes::text, t.media_type, a.acted_at,
           (SELECT string_agg(x.item_no::text, ', ' ORDER BY x.item_no) FROM review.batch_item x WHERE x.taken_out_by = a.act_id))
  FROM review.case_act a LEFT JOIN review.attachment t ON t.act_id = a.act_id
  UNION ALL
  SELECT 'batch', b.batch_id::text, 'path', 'batch:' || b.batch_id,
         jsonb_build_array(b.item_kind, b.role, trim_scale(b.amount_above)::text, b.currency, x.items::text, encode(review.batch_sha256(b.batch_id, false), 'hex'), b.opened_run::text)
  FROM review.batch b CROSS JOIN LATERAL (SELECT count(*) AS items FROM review.batch_item i WHERE i.batch_id = b.batch_id) x
  UNION ALL
  SELECT 'item of a batch', x.batch_id || '/' || x.item_no, 'path', 'invoice:' || x.subject_key,
         jsonb_build_array(x.state, trim_scale(x.amount)::text, x.currency, encode(x.evidence_hash, 'hex'), x.settled_run::text)
  FROM review.batch_item x WHERE x.settled_run IS NOT NULL
  UNION ALL
  SELECT 'step of a case', s.step_id::text, 'path', 'case:' || s.case_id,
         jsonb_build_array(s.case_id::text, s.step, s.person_id, s.level::text, s.role, s.priority::text, s.rule, s.run_id::text, s.taken_at)
  FROM review.case_step s
  UNION ALL
  SELECT 'journal entry', e.business_key, 'effect',
         coalesce('invoice:' || encode(i.content_hash, 'hex'), 'receipt:' || r.entity || '/' || r.receipt_number || '/' || r.receipt_line),
         jsonb_build_array(e.event, e.entity, e.period, e.posting_date::text, e.document_date::text, e.decision_id::text, e.person_id, e.case_id::text, e.reason_code, e.run_id::text, e.booked_at,
                           o.business_key, l.lines)
  FROM ledger.journal_entry e
  LEFT JOIN (SELECT l.entry_id, jsonb_agg(jsonb_build_object('account', l.account, 'debit', trim_scale(l.debit)::text, 'credit', trim_scale(l.credit)::text, 'currency', l.currency,
               'ledger_debit', trim_scale(l.ledger_debit)::text, 'ledger_credit', trim_scale(l.ledger_credit)::text, 'order_line_id', l.order_line_id::text, 'supplier_id', l.supplier_id,
               'purpose', l.purpose) ORDER BY l.line_no) AS lines
             FROM ledger.journal_line l GROUP BY l.entry_id) l ON l.entry_id = e.entry_id
  LEFT JOIN ledger.journal_entry o ON o.entry_id = e.reverses_entry_id
  LEFT JOIN purchasing.invoice i ON i.invoice_id = e.invoice_id LEFT JOIN purchasing.receipt_line r ON r.receipt_line_id = e.receipt_line_id
  UNION ALL
  SELECT 'payment proposal', 'invoice:' || encode(i.content_hash, 'hex'), 'effect', 'invoice:' || encode(i.content_hash, 'hex'),
         jsonb_build_array(p.state, trim_scale(p.amount)::text, p.currency, p.pay_on::text, p.decision_id::text, p.run_id::text, 1)
  FROM ledger.payment_proposal p JOIN purchasing.invoice i ON i.invoice_id = p.invoice_id
  UNION ALL
  SELECT 'payment block', 'invoice:' || encode(i.content_hash, 'hex'), 'effect', 'invoice:' || encode(i.content_hash, 'hex'), jsonb_build_array(st.payment_block::text)
  FROM ledger.invoice_status st JOIN purchasing.invoice i ON i.invoice_id = st.invoice_id WHERE st.booking_no IS NOT NULL
  UNION ALL
  SELECT 'hold released by a person', h.hold_id::text, 'path', 'invoice:' || encode(i.content_hash, 'hex'), jsonb_build_array(h.release_kind, h.release_decision_id::text, h.released_at)
  FROM ledger.hold h JOIN purchasing.invoice i ON i.invoice_id = h.invoice_id WHERE h.release_kind IN ('person', 'rejected')
  UNION ALL
  SELECT 'policy version', p.policy_id || '/' || p.version, 'policy', 'policy:' || p.policy_id,
         jsonb_build_array(p.sha256, trim_scale(p.machine_limit)::text, p.currency, encode(sha256(convert_to(p.content, 'UTF8')), 'hex') = p.sha256 AND p.effective_to IS NOT DISTINCT FROM ledger.policy_says_day(p.content, 'effective_to'), p.effective_from::text, p.approved_by,
                           ops.utc(p.approved_at), p.proposal_id::text)
  FROM ledger.policy_version p
  UNION ALL
  SELECT 'run', r.run_id::text, 'path', 'run:' || r.run_id, jsonb_build_array(r.process, r.dag_id, r.airflow_run_id, r.dry_run::text, r.package_version, r.parameters)
  FROM ops.run r
  UNION ALL
  SELECT 'accepted load', l.load_id::text, 'path', 'run:' || l.run_id,
         jsonb_build_array(l.source, l.dataset, l.received_count::text, l.accepted_count::text, l.quarantined_count::text, l.known_count::text, l.parser, l.profile, trim_scale(l.received_amount)::text,
           ops.utc(l.window_until))
  FROM intake.load l WHERE l.state = 'accepted'
  UNION ALL
  SELECT 'sent effect', o.idempotency_key, 'effect', 'outbox:' || o.idempotency_key, jsonb_build_array(o.destination, encode(sha256(uuid_send(o.salt) || convert_to((o.payload - 'body')::text || o.answer::text, 'UTF8')), 'hex'))
  FROM ops.outbox o WHERE o.sent_at IS NOT NULL
  UNION ALL
  SELECT 'act on a policy proposal', a.proposal_id || '/' || a.act, 'policy', 'policy:' || p.policy_id,
         jsonb_build_array(a.person_id, ops.utc(a.acted_at), p.version::text, p.sha256, p.impact_sha256, p.proposed_by, trim_scale(p.machine_limit)::text, p.currency, p.replaces_version::text,
                           CASE a.act WHEN 'approve' THEN (SELECT v.effective_from::text FROM ledger.policy_version v WHERE v.proposal_id = p.proposal_id) ELSE p.effective_from::text END)
  FROM review.policy_act a JOIN review.policy_proposal p ON p.proposal_id = a.proposal_id
  UNION ALL
  SELECT 'legal hold', h.hold_id::text, 'human', 'hold:' || h.hold_id, jsonb_build_array(h.placed_by, h.scope_kind, h.scope)
  FROM audit.legal_hold h
  UNION ALL
  SELECT 'lifted hold', h.hold_id::text, 'human', 'hold:' || h.hold_id, jsonb_build_array(h.lifted_by::text)
  FROM audit.legal_hold h WHERE h.lifted_at IS NOT NULL
  UNION ALL
  SELECT 'privacy request', q.request_id::text, 'human', 'privacy:' || q.request_id,
         jsonb_build_array(q.requested_by, q.act, q.person_id, q.basis, q.hold_id::text, q.record_class, q.before::text)
  FROM review.privacy_request q
  UNION ALL
  SELECT 'answer to a privacy request', q.request_id::text, 'human', 'privacy:' || q.request_id,
         jsonb_build_array(q.answered_by, CASE q.state WHEN 'carried_out' THEN 'privacy act approved' ELSE 'privacy act declined' END)
  FROM review.privacy_request q WHERE q.state <> 'open'
  UNION ALL
  SELECT 'erasure or purge', q.request_id::text, 'erasure', CASE q.act WHEN 'erase_person' THEN 'person:' || q.person_id ELSE 'log' END,
         jsonb_build_array(q.requested_by, q.answered_by, q.basis, q.record_class, q.before::text)
  FROM review.privacy_request q WHERE q.state = 'carried_out' AND q.act IN ('erase_person', 'purge_records')
  UNION ALL
  SELECT 'change of access', c.change_id::text, 'human', 'access:' || c.change_id, jsonb_build_array(c.proposed_by, c.kind, c.act, c.of_person, c.alone::text, c.impact_sha256)
  FROM review.access_change c
  UNION ALL
  SELECT 'answer to a change of access', c.change_id::text, 'human', 'access:' || c.change_id, jsonb_build_array(c.answered_by, c.state)
  FROM review.access_change c WHERE c.state <> 'proposed' AND NOT c.alone
  UNION ALL
  SELECT 'notice', n.notice_id::text, 'path', 'notice:' || n.notice_id, jsonb_build_array(n.kind, n.process, n.person_id)
  FROM review.notice n
  UNION ALL
  SELECT 'measuring of persons', m.measure_id || '/' || a.step, 'human', 'person_measure:' || m.measure_id, jsonb_build_array(a.person_id, CASE WHEN a.step = 'requested' THEN m.until::text END)
  FROM review.person_measure m CROSS JOIN LATERAL (VALUES ('requested', m.requested_by), (CASE WHEN m.approved THEN 'approved' ELSE 'declined' END, m.answered_by), ('ended', m.ended_by)) AS a(step, person_id)
  WHERE a.person_id IS NOT NULL
  UNION ALL
  SELECT 'proposal about the log', p.proposal_id::text, 'human', 'log', jsonb_build_array(p.act, p.person_id, encode(p.digest, 'hex'))
  FROM audit.log_proposal p
  UNION ALL
  SELECT 'confirmed act about the log', p.proposal_id::text, CASE p.act WHEN 'restore' THEN 'restore' ELSE 'key' END, 'log',
         jsonb_build_array(p.person_id, c.person_id, encode(p.digest, 'hex'), c.record_id)
  FROM audit.log_confirmation c JOIN audit.log_proposal p ON p.proposal_id = c.proposal_id
  UNION ALL
  SELECT 'confirmation about the log', p.proposal_id::text, 'human', 'log', jsonb_build_array(p.act, c.person_id, encode(p.digest, 'hex'))
  FROM audit.log_confirmation c JOIN audit.log_proposal p ON p.proposal_id = c.proposal_id
), said AS (
  SELECT r.record_id, r.subject, r.n, r.kind, convert_from(r.body, 'UTF8')::jsonb AS b
  FROM audit.record r WHERE r.body IS NOT NULL AND r.kind IN ('human', 'path', 'effect', 'policy', 'erasure', 'restore', 'key')
), single AS (
  -- decisions are most of the log and large: each is read once and not kept
  SELECT 'machine decision' AS what, s.b ->> 'decision_id' AS key,
         jsonb_build_array(s.b ->> 'outcome', s.b ->> 'rule', s.b ->> 'authority', s.b ->> 'policy_id', s.b ->> 'policy_version', s.b ->> 'policy_sha256', s.b ->> 'evidence_sha256', s.b ->> 'run_id',
           (s.b ->> 'at')::timestamptz, jsonb_build_object('inputs', s.b -> 'inputs', 'not_yet', coalesce(s.b -> 'decision' -> 'not_yet', '[]'))) AS says,
         'decision' AS kind, s.subject, s.record_id, s.n
  FROM (SELECT r.record_id, r.subject, r.n, convert_from(r.body, 'UTF8')::jsonb AS b FROM audit.record r WHERE r.kind = 'decision' AND r.body IS NOT NULL OFFSET 0) s
  UNION ALL
  SELECT t.what, t.key, t.says, s.kind, s.subject, s.record_id, s.n
  FROM said s CROSS JOIN LATERAL (
    SELECT 'human decision' AS what, s.b ->> 'decision_id' AS key, jsonb_build_array(s.b ->> 'action', s.b ->> 'role', s.b ->> 'case_id', s.b ->> 'evidence_sha256', s.b ->> 'person_id', s.b ->> 'reason_code',
             'case ' || (s.b ->> 'case_id'), s.b ->> 'final', (s.b ->> 'at')::timestamptz) AS says
    WHERE s.kind = 'human' AND s.b ->> 'answer_id' IS NOT NULL
    UNION ALL
    SELECT 'answer', s.b ->> 'answer_id', jsonb_build_array(s.b ->> 'case_id', s.b ->> 'decision_id', s.b ->> 'action', s.b ->> 'reason_code', s.b ->> 'final', s.b ->> 'person_id',
             s.b ->> 'evidence_sha256', (s.b ->> 'at')::timestamptz, s.b ->> 'on_behalf_of', s.b ->> 'persons_needed', s.b ->> 'as_roles')
    WHERE s.kind = 'human' AND s.b ->> 'answer_id' IS NOT NULL
    UNION ALL
    SELECT 'booked answer', s.b ->> 'answer_id', jsonb_build_array(s.b ->> 'case_id', s.b ->> 'result', s.b ->> 'run_id') WHERE s.kind = 'path' AND s.b ->> 'step' = 'answer booked'
    UNION ALL
    SELECT 'case', s.b ->> 'case_id', jsonb_build_array(s.b ->> 'role', s.b ->> 'run_id') WHERE s.kind = 'path' AND s.b ->> 'step' = 'case opened'
    UNION ALL
    SELECT 'batch', s.b ->> 'batch_id', jsonb_build_array(s.b ->> 'item_kind', s.b ->> 'role', s.b ->> 'limit', s.b ->> 'limit_currency', s.b ->> 'items', s.b ->> 'items_sha256', s.b ->> 'run_id')
    WHERE s.kind = 'path' AND s.b ->> 'step' = 'case opened' AND s.b ->> 'batch_id' IS NOT NULL
    UNION ALL
    SELECT 'item of a batch', (s.b ->> 'batch_id') || '/' || (s.b ->> 'item_no'), jsonb_build_array(s.b ->> 'outcome', s.b ->> 'amount', s.b ->> 'currency', s.b ->> 'evidence_sha256', s.b ->> 'run_id')
    WHERE s.kind = 'path' AND s.b ->> 'step' = 'item of a batch'
    UNION ALL
    SELECT 'act on a case', s.b ->> 'act_id', jsonb_build_array(s.b ->> 'case_id', s.b ->> 'act', s.b ->> 'person_id', s.b ->> 'to_person', s.b ->> 'whom', s.b ->> 'round', s.b ->> 'answers',
             s.b ->> 'sha256', s.b ->> 'bytes', s.b ->> 'media_type', (s.b ->> 'acted_at')::timestamptz, s.b ->> 'items')
    WHERE s.kind = 'human' AND s.b ->> 'step' = 'act on a case'
    UNION ALL
    SELECT 'step of a case', s.b ->> 'step_id', jsonb_build_array(s.b ->> 'case_id', s.b ->> 'taken', s.b ->> 'of_person', s.b ->> 'level', s.b ->> 'role', s.b ->> 'priority', s.b ->> 'rule',
             s.b ->> 'run_id', (s.b ->> 'taken_at')::timestamptz)
    WHERE s.kind = 'path' AND s.b ->> 'step' = 'step of a case'
    UNION ALL
    SELECT 'hold released by a person', h.hold_id, jsonb_build_array(CASE s.b ->> 'result' WHEN 'accepted' THEN 'person' ELSE s.b ->> 'result' END, s.b ->> 'decision_id', (s.b ->> 'at')::timestamptz)
    FROM jsonb_array_elements_text(s.b -> 'released_holds') AS h(hold_id) WHERE s.kind = 'path' AND s.b ->> 'step' = 'answer booked'
    UNION ALL
    SELECT 'journal entry', s.b ->> 'business_key', jsonb_build_array(s.b ->> 'event', s.b ->> 'entity', s.b ->> 'period', s.b ->> 'posting_date', s.b ->> 'document_date', s.b ->> 'decision_id',
             s.b ->> 'person_id', s.b ->> 'case_id', s.b ->> 'reason_code', s.b ->> 'run_id', (s.b ->> 'at')::timestamptz, s.b ->> 'reverses', s.b -> 'lines')
    WHERE s.kind = 'effect' AND s.b ->> 'effect' = 'journal entry'
    UNION ALL
    SELECT 'policy version', (s.b ->> 'policy_id') || '/' || (s.b ->> 'version'), jsonb_build_array(s.b ->> 'sha256', s.b ->> 'machine_limit', s.b ->> 'currency', true, s.b ->> 'effective_from',
             coalesce(s.b ->> 'activated_by', s.b ->> 'person_id'), s.b ->> 'approved_at', s.b ->> 'proposal_id')
    WHERE s.kind = 'policy' AND coalesce(s.b ->> 'step', 'activated by the owner') IN ('activated by the owner', 'approved')
    UNION ALL
    SELECT 'act on a policy proposal',
           (s.b ->> 'proposal_id') || '/' || CASE s.b ->> 'step' WHEN 'proposed' THEN 'propose' WHEN 'approved' THEN 'approve' WHEN 'refused' THEN 'refuse' ELSE 'withdraw' END,
           jsonb_build_array(s.b ->> 'person_id', s.b ->> 'acted_at', s.b ->> 'version', s.b ->> 'sha256', s.b ->> 'impact_sha256', s.b ->> 'proposed_by', s.b ->> 'machine_limit',
             s.b ->> 'currency', s.b ->> 'replaces_version', s.b ->> 'effective_from')
    WHERE s.kind = 'policy' AND s.b ->> 'step' IN ('proposed', 'approved', 'refused', 'withdrawn')
    UNION ALL
    SELECT 'legal hold', s.b ->> 'hold_id', jsonb_build_array(s.b ->> 'person_id', s.b ->> 'scope_kind', s.b ->> 'scope') WHERE s.kind = 'human' AND s.b ->> 'step' = 'hold placed'
    UNION ALL
    SELECT 'lifted hold', s.b ->> 'hold_id', jsonb_build_array(s.b ->> 'request_id') WHERE s.kind = 'human' AND s.b ->> 'step' = 'hold lifted'
    UNION ALL
    SELECT 'privacy request', s.b ->> 'request_id',
           jsonb_build_array(s.b ->> 'person_id', s.b ->> 'act', s.b ->> 'of_person', s.b ->> 'basis', s.b ->> 'hold_id', s.b ->> 'class', s.b ->> 'before')
    WHERE s.kind = 'human' AND s.b ->> 'step' = 'privacy act requested'
    UNION ALL
    SELECT 'answer to a privacy request', s.b ->> 'request_id', jsonb_build_array(s.b ->> 'person_id', s.b ->> 'step')
    WHERE s.kind = 'human' AND s.b ->> 'step' IN ('privacy act approved', 'privacy act declined')
    UNION ALL
    -- a purge names the basis of keeping its class, not one of the request
    SELECT 'erasure or purge', s.b ->> 'request_id', jsonb_build_array(s.b ->> 'requested_by', s.b ->> 'approved_by',
             CASE s.b ->> 'step' WHEN 'person erased' THEN s.b ->> 'basis' END, s.b ->> 'class', s.b ->> 'before')
    WHERE s.kind = 'erasure' AND s.b ->> 'step' IN ('person erased', 'records purged')
    UNION ALL
    SELECT 'change of access', s.b ->> 'change_id', jsonb_build_array(s.b ->> 'person_id', s.b ->> 'kind', s.b ->> 'act', s.b ->> 'of_person', s.b ->> 'alone', s.b ->> 'shown_sha256')
    WHERE s.kind = 'human' AND s.b ->> 'step' IN ('access change proposed', 'access change made alone')
    UNION ALL
    SELECT 'answer to a change of access', s.b ->> 'change_id', jsonb_build_array(s.b ->> 'person_id', split_part(s.b ->> 'step', ' ', 3))
    WHERE s.kind = 'human' AND s.b ->> 'step' IN ('access change approved', 'access change refused', 'access change withdrawn')
    UNION ALL
    SELECT 'notice', s.b ->> 'notice_id', jsonb_build_array(s.b ->> 'notice', s.b ->> 'process', s.b ->> 'person_id') WHERE s.kind = 'path' AND s.b ->> 'step' = 'notice written'
    UNION ALL
    SELECT 'measuring of persons', (s.b ->> 'measure_id') || '/' || substr(s.b ->> 'step', length('measuring of persons ') + 1), jsonb_build_array(s.b ->> 'person_id', s.b ->> 'until')
    WHERE s.kind = 'human' AND s.b ->> 'measure_id' IS NOT NULL
    UNION ALL
    SELECT 'proposal about the log', s.b ->> 'proposal_id',
           jsonb_build_array(CASE s.b ->> 'step' WHEN 'restore proposed' THEN 'restore' ELSE 'lost_key' END, s.b ->> 'person_id', s.b ->> 'digest')
    WHERE s.kind = 'human' AND s.b ->> 'step' IN ('restore proposed', 'lost key proposed')
    UNION ALL
    SELECT 'confirmed act about the log', coalesce(s.b ->> 'proposal_id', 'none'),
           jsonb_build_array(s.b ->> 'requested_by', s.b ->> 'confirmed_by', s.b ->> 'digest', s.record_id)
    WHERE s.kind = 'restore' OR s.kind = 'key' AND s.b ->> 'lost' = 'true'
    UNION ALL
    SELECT 'confirmation about the log', s.b ->> 'proposal_id',
           jsonb_build_array(CASE s.b ->> 'step' WHEN 'restore confirmed' THEN 'restore' ELSE 'lost_key' END, s.b ->> 'person_id', s.b ->> 'digest')
    WHERE s.kind = 'human' AND s.b ->> 'step' IN ('restore confirmed', 'lost key confirmed')
    UNION ALL
    SELECT 'run', s.b ->> 'run_id', jsonb_build_array(s.b ->> 'process', s.b ->> 'dag_id', s.b ->> 'airflow_run_id', s.b ->> 'dry_run', s.b ->> 'package_version',
             (s.b ->> 'parameters')::jsonb) WHERE s.kind = 'path' AND s.b ->> 'step' = 'run opened'
    UNION ALL
    SELECT 'accepted load', s.b ->> 'load_id',
           jsonb_build_array(s.b ->> 'source', s.b ->> 'dataset', s.b ->> 'received', s.b ->> 'accepted', s.b ->> 'quarantined', s.b ->> 'known', s.b ->> 'parser', s.b ->> 'profile',
             s.b ->> 'received_amount', s.b ->> 'window_until')
    WHERE s.kind = 'path' AND s.b ->> 'step' = 'load accepted'
    UNION ALL
    SELECT 'sent effect', s.b ->> 'idempotency_key', jsonb_build_array(s.b ->> 'destination', s.b ->> 'sent_sha256')
    WHERE s.kind = 'effect' AND s.b ->> 'effect' = 'sent'
  ) t
), on_record AS (
  SELECT what, key, (array_agg(says))[1] AS says, min(subject) AS subject, max(kind) AS kind, min(record_id) AS record_id, min(n) AS n, count(*) AS times
  FROM single GROUP BY what, key
  UNION ALL
  -- what became of a proposal is what was said last
  SELECT 'payment proposal', s.subject, jsonb_build_array(
           CASE (array_agg(s.b ->> 'effect' ORDER BY s.record_id DESC))[1] WHEN 'payment proposal withdrawn' THEN 'withdrawn' ELSE 'proposed' END,
           (array_agg(s.b ->> 'amount' ORDER BY s.record_id DESC) FILTER (WHERE s.b ->> 'amount' IS NOT NULL))[1],
           (array_agg(s.b ->> 'currency' ORDER BY s.record_id DESC) FILTER (WHERE s.b ->> 'currency' IS NOT NULL))[1],
           (array_agg(s.b ->> 'pay_on' ORDER BY s.record_id DESC) FILTER (WHERE starts_with(s.b ->> 'effect', 'payment proposed')))[1],
           (array_agg(s.b ->> 'decision_id' ORDER BY s.record_id DESC) FILTER (WHERE starts_with(s.b ->> 'effect', 'payment proposed')))[1],
           (array_agg(s.b ->> 'run_id' ORDER BY s.record_id DESC) FILTER (WHERE starts_with(s.b ->> 'effect', 'payment proposed')))[1],
           count(*) FILTER (WHERE s.b ->> 'effect' = 'payment proposed')),
         s.subject, 'effect', min(s.record_id), min(s.n), 1
  FROM said s WHERE s.kind = 'effect' AND s.b ->> 'effect' IN ('payment proposed', 'payment proposed again', 'payment proposal withdrawn') GROUP BY s.subject
  UNION ALL
  SELECT 'payment block', s.subject, jsonb_build_array((array_agg(CASE s.b ->> 'effect' WHEN 'payment block raised' THEN 'true' WHEN 'payment block released' THEN 'false' ELSE s.b ->> 'payment_block' END
           ORDER BY s.record_id DESC))[1]), s.subject, 'effect', min(s.record_id), min(s.n), 1
  FROM said s WHERE s.kind = 'effect' AND (s.b ->> 'effect' IN ('payment block raised', 'payment block released') OR s.b ->> 'payment_block' IS NOT NULL) GROUP BY s.subject
)
SELECT coalesce(f.what, r.what), coalesce(f.key, r.key), f.key IS NOT NULL, r.key IS NOT NULL, coalesce(r.times, 0), coalesce(r.subject, f.subject), r.record_id, r.n,
       f.says::text, r.says::text, f.subject
FROM fact f FULL JOIN on_record r ON r.what = f.what AND r.key = f.key
WHERE (f.key IS NULL OR r.key IS NULL OR r.times > 1 OR f.says <> r.says OR f.subject <> r.subject)
  AND NOT ((r.key IS NULL OR f.what IN ('payment proposal', 'payment block')) AND EXISTS (SELECT FROM audit.record x WHERE x.subject = f.subject AND x.kind = f.kind AND x.body IS NULL))
UNION ALL
-- people and rules: each row of these tables follows from the recorded changes of it
SELECT 'row of ' || d.tab, d.line::text, NOT d.gone, d.gone, 1, 'setting:' || d.tab, NULL, NULL, d.line::text, d.line::text, 'setting:' || d.tab FROM setting_drift d
ORDER BY 1, 2 LIMIT 1000
