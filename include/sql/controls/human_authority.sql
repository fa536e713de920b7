-- Question: had every person who decided the role, the limit and the scope for it on that day, and came the entry from that decision?
-- Recomputed from what was recorded of authority, not from the table of now.
-- Population: decisions of people in the period; entries posted in the period that name a person.
WITH {{ include: governance/period }}, {{ include: governance/authority_versions }}, {{ include: governance/setting_records }},
decided AS MATERIALIZED (
  SELECT d.decision_id, d.person_id, d.outcome, d.decided_at, d.process, d.case_id, k.role, k.entity, k.amount, k.currency, n.answer_id, n.principal,
         coalesce(n.acted_for, d.person_id) AS holder, n.acted_for, coalesce(n.as_roles, ARRAY[k.role]) AS as_roles, d.subject_kind, d.subject_id,
         EXISTS (SELECT FROM audit.record x WHERE x.subject = 'person:' || d.person_id AND x.kind = 'erasure') AS erased,
         coalesce(i.invoice_number, q.business_key, CASE d.subject_kind WHEN 'batch_signoff' THEN 'batch ' ELSE '' END || d.subject_key) AS document, coalesce(p.name, d.person_id, 'nobody') AS who,
         (d.decided_at AT TIME ZONE coalesce(e.time_zone, 'UTC'))::date AS on_day, (SELECT c.business_date FROM ops.simulated_clock c) AS simulated_day
  FROM period t JOIN ledger.decision d ON d.maker = 'human' AND d.decided_at >= t.since AND d.decided_at < t.until
  LEFT JOIN review.case k ON k.case_id = d.case_id LEFT JOIN review.answer n ON n.decision_id = d.decision_id AND n.case_id = d.case_id AND n.person_id = d.person_id AND n.action = d.outcome
  LEFT JOIN ops.entity e ON e.entity = k.entity LEFT JOIN review.person p ON p.person_id = d.person_id
  LEFT JOIN purchasing.invoice i ON d.subject_kind = 'invoice' AND i.invoice_id = d.subject_id
  LEFT JOIN intake.quarantine q ON d.subject_kind = 'quarantine' AND q.quarantine_id = d.subject_id
), known AS MATERIALIZED (
  -- persons (user '') and their log-ins, as they were recorded; no person: ended
  SELECT s.n, '-infinity'::timestamptz AS at, f.value AS line, true AS stands FROM setting_record s, jsonb_array_elements(s.found) AS f(value) WHERE s.tab IN ('review.person', 'review.identity')
  UNION ALL SELECT s.n, s.at, s.before, false FROM setting_record s WHERE s.tab IN ('review.person', 'review.identity') AND s.before IS NOT NULL
  UNION ALL SELECT s.n, s.at, s.after, true FROM setting_record s WHERE s.tab IN ('review.person', 'review.identity') AND s.after IS NOT NULL
), stood AS MATERIALIZED (
  -- who stood in for whom, and who was absent, as it was recorded
  SELECT s.n, '-infinity'::timestamptz AS at, s.tab, f.value AS line, true AS stands FROM setting_record s, jsonb_array_elements(s.found) AS f(value) WHERE s.tab IN ('review.substitute', 'review.absence')
  UNION ALL SELECT s.n, s.at, s.tab, s.before, false FROM setting_record s WHERE s.tab IN ('review.substitute', 'review.absence') AND s.before IS NOT NULL
  UNION ALL SELECT s.n, s.at, s.tab, s.after, true FROM setting_record s WHERE s.tab IN ('review.substitute', 'review.absence') AND s.after IS NOT NULL
), standing AS MATERIALIZED (
  SELECT x.tab, x.line, x.at AS since, coalesce((SELECT min(y.at) FROM stood y WHERE y.tab = x.tab AND NOT y.stands AND y.line = x.line AND y.n > x.n), 'infinity') AS until,
         (x.line ->> 'from_day')::date AS from_day, (x.line ->> 'to_day')::date AS to_day
  FROM stood x WHERE x.stands
), item AS MATERIALIZED (
  -- what a decision was about: each code by itself, with what it is above the order or the receipt
  SELECT d.decision_id, coalesce(x.code, '') AS code, h.measured, CASE WHEN x.code IN ('QTY_ORD', 'QTY_REC') THEN h.measured * o.unit_price
           WHEN x.code IN ('PRICE', 'AMT_REC', 'NO_RECEIPT', 'TAX_TOTAL', 'TOTAL_ARITH', 'LINE_ARITH') THEN h.measured END AS off,
         CASE WHEN x.code IN ('QTY_ORD', 'QTY_REC') THEN o.price_base_quantity ELSE 1 END AS off_per,
         -- of a batch each total by itself
         coalesce(t.amount, d.amount) AS amount, coalesce(t.currency, d.currency) AS currency
  FROM decided d LEFT JOIN review.batch_total t ON d.subject_kind = 'batch_signoff' AND t.batch_id = d.subject_id LEFT JOIN review.case_item x ON x.case_id = d.case_id AND (x.settled_at IS NULL OR x.settled_at >= d.decided_at) LEFT JOIN ledger.hold h ON h.hold_id = x.hold_id
  LEFT JOIN purchasing.invoice_line l ON l.invoice_line_id = h.invoice_line_id LEFT JOIN purchasing.order_line o ON o.order_line_id = l.order_line_id
  WHERE x.hold_id IS NULL OR h.opened_at <= d.decided_at
), posted AS MATERIALIZED (
  SELECT e.entry_id, e.business_key, e.person_id, e.case_id, e.booked_at, d.decision_id, d.maker, d.person_id AS decided_by, d.case_id AS decided_case, d.subject_id, e.invoice_id, s.amount, s.currency
  FROM period t JOIN ledger.journal_entry e ON e.posting_date BETWEEN t.first_day AND t.last_day AND e.person_id IS NOT NULL
  LEFT JOIN ledger.decision d ON d.decision_id = e.decision_id
  LEFT JOIN LATERAL (SELECT sum(l.debit) AS amount, l.currency FROM ledger.journal_line l WHERE l.entry_id = e.entry_id GROUP BY l.currency ORDER BY l.currency LIMIT 1) s ON true
), population (unit, items, amount, currency, tested) AS (
  SELECT 'decisions of people', 1, d.amount, d.currency, true FROM decided d
  UNION ALL SELECT 'entries on the word of a person', 1, p.amount, p.currency, true FROM posted p
), finding (check_id, ref, what, who, at, amount, currency, notice) AS (
  SELECT 'no_answer', d.document, 'decision ' || d.decision_id || ' (' || d.outcome || ') has no answer of this person to a case', d.who, d.decided_at, d.amount, d.currency, false
  FROM decided d WHERE d.answer_id IS NULL
  UNION ALL
  SELECT 'no_authority', d.document, 'decision ' || d.decision_id || ' (' || d.outcome || '): no authority as ' || coalesce(d.role, '?') || ' for ' || coalesce(trim_scale(d.amount)::text || ' ' || d.currency, 'a document of unknown amount')
         || ' of company code ' || coalesce(d.entity, '?') || ' on ' || d.on_day, d.who, d.decided_at, d.amount, d.currency, false
  FROM decided d
  WHERE EXISTS (SELECT FROM (SELECT i.code, i.off, i.off_per, i.amount, i.currency FROM item i WHERE i.decision_id = d.decision_id UNION ALL SELECT '', NULL, NULL, d.amount, d.currency WHERE NOT EXISTS (SELECT FROM item i WHERE i.decision_id = d.decision_id)) i
    WHERE NOT EXISTS (SELECT FROM authority_version a WHERE a.person_id = d.holder AND a.role = ANY (d.as_roles) AND a.process IN ('*', d.process) AND a.entity IN ('*', d.entity) AND a.code IN ('*', i.code)
      AND a.known_from <= d.decided_at AND a.known_until > d.decided_at
      AND (d.on_day BETWEEN a.effective_from AND coalesce(a.effective_to, 'infinity') OR d.simulated_day BETWEEN a.effective_from AND coalesce(a.effective_to, 'infinity'))
      AND (i.amount IS NULL OR a.amount_limit >= i.amount AND (a.currency = i.currency OR d.outcome <> 'accept'))
      AND (d.outcome <> 'accept' OR a.variance_limit IS NULL OR i.off <= a.variance_limit * i.off_per)
      AND (a.cost_centre = '*' OR EXISTS (SELECT FROM purchasing.invoice_line l JOIN purchasing.order_line o ON o.order_line_id = l.order_line_id
        LEFT JOIN purchasing.master_version v ON v.kind = 'order_line' AND v.business_key = o.entity || '/' || o.po_number || '/' || o.po_line
        WHERE d.subject_kind = 'invoice' AND l.invoice_id = d.subject_id AND a.cost_centre IN (o.cost_centre, v.content ->> 'cost_centre')))))
    -- who stands in for another decides no more than they could themselves
    OR d.acted_for IS NOT NULL AND d.amount IS NOT NULL AND NOT EXISTS (SELECT FROM authority_version a WHERE a.person_id = d.person_id AND a.amount_limit >= d.amount
      AND a.known_from <= d.decided_at AND a.known_until > d.decided_at)
  UNION ALL
  SELECT 'stood_in_for_nobody', d.document, 'decision ' || d.decision_id || ' (' || d.outcome || ') on behalf of ' || d.acted_for || ', for whom this person did not stand in on ' || d.on_day, d.who, d.decided_at, d.amount, d.currency, false
  FROM decided d WHERE d.acted_for IS NOT NULL AND NOT EXISTS (SELECT FROM standing s WHERE s.tab = 'review.substitute' AND s.line ->> 'person_id' = d.acted_for AND s.line ->> 'substitute_id' = d.person_id
    AND s.since <= d.decided_at AND s.until > d.decided_at AND (d.on_day BETWEEN s.from_day AND s.to_day OR d.simulated_day BETWEEN s.from_day AND s.to_day)
    AND (s.line ->> 'when_absent' = 'false' OR EXISTS (SELECT FROM standing a WHERE a.tab = 'review.absence' AND a.line ->> 'person_id' = d.acted_for AND a.since <= d.decided_at AND a.until > d.decided_at
      AND (d.on_day BETWEEN a.from_day AND a.to_day OR d.simulated_day BETWEEN a.from_day AND a.to_day))))
  UNION ALL
  SELECT 'inactive_person', d.document, 'decision ' || d.decision_id || ': ' || coalesce(d.person_id, 'nobody') || ' was no active person then', d.who, d.decided_at, d.amount, d.currency, false
  FROM decided d
  WHERE NOT coalesce((SELECT k.stands AND k.line ->> 'active' = 'true' FROM known k WHERE NOT k.line ? 'system' AND k.line ->> 'person_id' = d.person_id AND k.at <= d.decided_at ORDER BY k.n DESC, k.stands DESC LIMIT 1), false)
  UNION ALL
  SELECT 'log_in_of_another', d.document, 'answer ' || d.answer_id || ' came by log-in ' || d.principal || ', which was not this person''s then', d.who, d.decided_at, d.amount, d.currency, false
  FROM decided d CROSS JOIN LATERAL (SELECT audit.user_hash(d.person_id, substr(d.principal, strpos(d.principal, ':') + 1)) AS hash OFFSET 0) AS u
  WHERE d.answer_id IS NOT NULL AND NOT d.erased AND d.person_id IS DISTINCT FROM (
    SELECT CASE WHEN k.stands THEN k.line ->> 'person_id' END FROM known k WHERE k.line ->> 'system' = split_part(d.principal, ':', 1)
      AND k.line ->> 'user_hash' = u.hash AND k.at <= d.decided_at ORDER BY k.n DESC, k.stands DESC LIMIT 1)
  UNION ALL
  SELECT 'person_erased', d.document, 'decision ' || d.decision_id || ': the log-in of ' || d.person_id || ' was erased and cannot be compared any more', d.who, d.decided_at, d.amount, d.currency, true FROM decided d WHERE d.erased
  UNION ALL
  SELECT 'entry_of_another', p.business_key, 'names ' || p.person_id || ', and ' || CASE WHEN p.maker = 'human' THEN 'its decision is of ' || coalesce(p.decided_by, 'nobody') ELSE 'no person decided it' END,
         p.person_id, p.booked_at, p.amount, p.currency, false
  FROM posted p WHERE p.maker IS DISTINCT FROM 'human' OR p.decided_by IS DISTINCT FROM p.person_id OR p.decided_case IS DISTINCT FROM p.case_id OR p.subject_id IS DISTINCT FROM p.invoice_id
)
{{ include: controls/summary }}
