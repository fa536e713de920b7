-- Conflicts of duties; reads period, authority_version and policy_carried.
human_act AS MATERIALIZED (
  SELECT d.decision_id, d.person_id, d.outcome, d.decided_at, d.case_id, k.role, k.amount, k.currency, k.handover, i.invoice_id, q.quarantine_id,
         coalesce(i.invoice_number, q.business_key, d.subject_key) AS document, n.answer_id, n.final, n.evidence_hash, n.booking_result, n.acted_for, n.persons_needed, d.subject_kind, d.subject_id
  FROM period p JOIN ledger.decision d ON d.maker = 'human' AND d.decided_at >= p.since AND d.decided_at < p.until
  LEFT JOIN review.case k ON k.case_id = d.case_id LEFT JOIN review.answer n ON n.decision_id = d.decision_id AND n.case_id = d.case_id
  LEFT JOIN purchasing.invoice i ON d.subject_kind = 'invoice' AND i.invoice_id = d.subject_id
  LEFT JOIN intake.quarantine q ON d.subject_kind = 'quarantine' AND q.quarantine_id = d.subject_id
), acted AS MATERIALIZED (
  -- by invoice: who signs for a batch acts on each of its entries
  SELECT a.person_id, a.acted_for, a.outcome, a.decided_at, a.case_id, a.role, a.amount, a.currency, a.invoice_id, a.document FROM human_act a WHERE a.invoice_id IS NOT NULL
  UNION ALL
  SELECT a.person_id, a.acted_for, a.outcome, a.decided_at, a.case_id, a.role, x.amount, x.currency, x.subject_id, x.name
  FROM human_act a JOIN review.batch_item x ON a.subject_kind = 'batch_signoff' AND x.batch_id = a.subject_id AND x.item_kind = 'posting' AND x.state <> 'taken_out'
), ordered AS MATERIALIZED (
  SELECT DISTINCT a.invoice_id, o.order_line_id, o.entity, o.po_number, o.po_line, o.created_by FROM acted a
  JOIN purchasing.invoice_line l ON l.invoice_id = a.invoice_id JOIN purchasing.order_line o ON o.order_line_id = l.order_line_id
), created AS MATERIALIZED (
  -- whoever any version of the order names, up to the moment of the act
  SELECT o.invoice_id, o.po_number, o.created_by, '-infinity'::timestamptz AS known_at FROM ordered o
  UNION
  SELECT o.invoice_id, o.po_number, v.content ->> 'created_by', v.accepted_at FROM ordered o
  JOIN purchasing.master_version v ON v.kind = 'order_line' AND v.business_key = o.entity || '/' || o.po_number || '/' || o.po_line
), named AS (
  SELECT c.invoice_id, c.po_number, c.known_at, c.created_by, d.person_id FROM created c LEFT JOIN review.identity d ON d.system = 'erp' AND d.user_id = c.created_by
), received AS (
  SELECT DISTINCT o.invoice_id, r.receipt_number, d.person_id FROM ordered o JOIN purchasing.receipt_line r ON r.order_line_id = o.order_line_id
  JOIN review.identity d ON d.system = 'erp' AND d.user_id = r.receiver
), requested AS (
  SELECT DISTINCT a.invoice_id, o.po_number, d.person_id FROM acted a JOIN purchasing.invoice_line l ON l.invoice_id = a.invoice_id
  JOIN purchasing.order_line o ON o.order_line_id = l.order_line_id JOIN review.identity d ON d.system = 'erp' AND d.user_id = o.requester
), incompatible (one_role, other_role) AS (
  VALUES ('buyer', 'receiver'), ('buyer', 'ap_clerk'), ('receiver', 'ap_clerk'), ('buyer', 'ap_manager'), ('receiver', 'ap_manager'), ('ap_clerk', 'ap_manager'),
         ('auditor', 'ap_clerk'), ('auditor', 'ap_manager'), ('auditor', 'buyer'), ('auditor', 'receiver'), ('auditor', 'policy_owner'),
         ('policy_owner', 'ap_clerk'), ('policy_owner', 'ap_manager'), ('policy_owner', 'buyer'), ('policy_owner', 'receiver')
), conflict (conflict, breach, ref, person_id, one_side, other_side, at, amount, currency) AS (
  SELECT DISTINCT 'decided on own order', true, a.document, a.person_id, 'created order ' || c.po_number, 'answered case ' || coalesce(a.case_id::text, '?') || ' (' || a.outcome || ')', a.decided_at, a.amount, a.currency
  FROM acted a JOIN named c ON c.invoice_id = a.invoice_id AND c.person_id IN (a.person_id, a.acted_for) AND c.known_at <= a.decided_at
  UNION ALL
  SELECT DISTINCT 'nobody knows who ordered', true, a.document, a.person_id, 'order ' || c.po_number || ' was created by ' || coalesce(c.created_by || ', who is mapped to no person', 'nobody the source names'),
         'answered case ' || coalesce(a.case_id::text, '?') || ' (' || a.outcome || ')', a.decided_at, a.amount, a.currency
  FROM acted a JOIN named c ON c.invoice_id = a.invoice_id AND c.person_id IS NULL AND c.known_at <= a.decided_at
  UNION ALL
  SELECT 'both of two persons', true, a.document, a.person_id, 'first answer ' || f.answer_id, 'second answer ' || a.answer_id, a.decided_at, a.amount, a.currency
  FROM human_act a CROSS JOIN LATERAL (SELECT n.answer_id FROM review.answer n WHERE n.case_id = a.case_id AND NOT n.final AND n.answer_id < a.answer_id AND n.evidence_hash = a.evidence_hash
    AND n.answer_id > coalesce((SELECT max(x.answer_id) FROM review.answer x WHERE x.case_id = a.case_id AND x.final AND x.answer_id < a.answer_id), 0)
    -- who acted, or on whose behalf
    AND (a.person_id IN (n.person_id, n.acted_for) OR a.acted_for IN (n.person_id, n.acted_for)) ORDER BY n.answer_id DESC LIMIT 1) f
  UNION ALL
  -- what needs two or more was settled by fewer
  SELECT 'no second person', true, a.document, a.person_id, 'answer ' || a.answer_id || ' (' || a.outcome || ') settled what needs ' || CASE asked.persons WHEN 2 THEN 'two' ELSE asked.persons::text END,
         CASE agreed.persons WHEN 0 THEN 'nobody else agreed before' ELSE agreed.persons || ' others agreed before' END, a.decided_at, a.amount, a.currency
  FROM human_act a
  CROSS JOIN LATERAL (SELECT greatest(coalesce(a.persons_needed, 1), CASE WHEN
         EXISTS (SELECT FROM jsonb_array_elements(a.handover -> 'actions') AS x WHERE x ->> 'action' = a.outcome AND x ->> 'needs_second_person' = 'true')
      OR EXISTS (SELECT FROM ledger.hold h JOIN ledger.hold_code c ON c.code = h.code AND c.persons > 1 WHERE h.release_decision_id = a.decision_id AND h.release_kind = 'person')
      OR a.outcome = 'discard' THEN 2 ELSE 1 END) AS persons) asked
  CROSS JOIN LATERAL (SELECT count(DISTINCT n.person_id) AS persons FROM review.answer n WHERE n.case_id = a.case_id AND NOT n.final AND n.answer_id < a.answer_id AND n.action = a.outcome
    AND n.evidence_hash = a.evidence_hash AND (asked.persons = 2 OR n.person_id <> a.person_id)) agreed
  WHERE a.final AND a.booking_result IS NOT NULL AND a.booking_result NOT LIKE 'void%%' AND agreed.persons < asked.persons - 1
  UNION ALL
  SELECT 'own policy approved', true, 'policy ' || v.policy_id || ' version ' || v.version, v.approved_by, 'proposed it', 'approved it', v.entered_at, v.machine_limit, v.currency
  FROM policy_carried v JOIN period p ON v.entered_at >= p.since AND v.entered_at < p.until WHERE v.proposed_by = v.approved_by
  UNION ALL
  SELECT 'own request carried out', true, 'request ' || q.request_id || ' (' || replace(q.act, '_', ' ') || ')', q.answered_by, 'asked for it', 'approved it', q.answered_at, NULL, NULL
  FROM review.privacy_request q JOIN period p ON q.answered_at >= p.since AND q.answered_at < p.until WHERE q.state = 'carried_out' AND q.answered_by = q.requested_by
  UNION ALL
  SELECT 'own act about the log confirmed', true, 'proposal ' || l.proposal_id || ' (' || replace(l.act, '_', ' ') || ')', c.person_id, 'proposed it', 'confirmed it', c.confirmed_at, NULL, NULL
  FROM audit.log_confirmation c JOIN audit.log_proposal l ON l.proposal_id = c.proposal_id JOIN period p ON c.confirmed_at >= p.since AND c.confirmed_at < p.until WHERE c.person_id = l.person_id
  UNION ALL
  SELECT DISTINCT 'ordered and received', true, r.receipt_number || '/' || r.receipt_line, coalesce(d.person_id, r.receiver), 'created order ' || o.po_number || '/' || o.po_line, 'received it', r.received_at, NULL::numeric, NULL::text
  FROM period p JOIN purchasing.receipt_line r ON r.received_at >= p.since AND r.received_at < p.until JOIN purchasing.order_line o ON o.order_line_id = r.order_line_id
  LEFT JOIN review.identity d ON d.system = 'erp' AND d.user_id = r.receiver LEFT JOIN review.identity c ON c.system = 'erp' AND c.user_id = o.created_by
  WHERE r.receiver = o.created_by OR c.person_id = d.person_id
  UNION ALL
  SELECT DISTINCT 'received, and decided on something else of it', false, a.document, a.person_id, 'received ' || r.receipt_number, 'answered case ' || a.case_id || ' as ' || a.role, a.decided_at, a.amount, a.currency
  FROM acted a JOIN received r ON r.invoice_id = a.invoice_id AND r.person_id = a.person_id WHERE a.role <> 'receiver'
  UNION ALL
  SELECT DISTINCT 'requested, and decided on it', false, a.document, a.person_id, 'requested order ' || r.po_number, 'answered case ' || a.case_id || ' as ' || a.role, a.decided_at, a.amount, a.currency
  FROM acted a JOIN requested r ON r.invoice_id = a.invoice_id AND r.person_id IN (a.person_id, a.acted_for)
  UNION ALL
  SELECT 'own change of access approved', true, 'change ' || x.change_id || ' (' || replace(x.kind, '_', ' ') || ')', x.answered_by, 'proposed it, or it is about this person', 'approved it', x.answered_at, NULL, NULL
  FROM review.access_change x JOIN period p ON x.answered_at >= p.since AND x.answered_at < p.until
  WHERE x.state = 'approved' AND NOT (x.alone AND x.kind IN ('absence', 'substitute') AND x.of_person = x.proposed_by)
    AND (x.answered_by IN (x.proposed_by, x.of_person, x.after ->> 'substitute_id') OR x.proposed_by = x.of_person)
  UNION ALL
  SELECT 'several roles on one document', false, min(a.document), a.person_id, 'answered as ' || (array_agg(DISTINCT a.role ORDER BY a.role))[1],
         'answered as ' || array_to_string((array_agg(DISTINCT a.role ORDER BY a.role))[2:], ', '), max(a.decided_at), max(a.amount), min(a.currency)
  FROM acted a GROUP BY a.invoice_id, a.person_id HAVING count(DISTINCT a.role) > 1
  UNION ALL
  SELECT DISTINCT ON (a.person_id, a.role, b.role) 'roles that do not go together', false, 'authority of ' || a.person_id, a.person_id, a.role, b.role, nullif(greatest(a.known_from, b.known_from), '-infinity'),
         NULL::numeric, NULL::text
  FROM incompatible x CROSS JOIN period p
  JOIN authority_version a ON a.role = x.one_role JOIN authority_version b ON b.role = x.other_role AND b.person_id = a.person_id
   AND (a.process = '*' OR b.process = '*' OR a.process = b.process) AND (a.entity = '*' OR b.entity = '*' OR a.entity = b.entity)
  WHERE greatest(a.known_from, b.known_from, p.since) < least(a.known_until, b.known_until, p.until)
    AND greatest(a.effective_from, b.effective_from, p.first_day) <= least(coalesce(a.effective_to, 'infinity'), coalesce(b.effective_to, 'infinity'), p.last_day)
)
