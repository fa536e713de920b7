-- Question: did anybody stand on both sides of a document, a case or a policy?
-- Population: answers of people, policy versions, requests about personal data, acts about the log, receipt lines and holders of authority in the period.
WITH {{ include: governance/period }}, {{ include: governance/authority_versions }}, {{ include: governance/policy_versions }}, {{ include: governance/conflicts }},
population (unit, items, amount, currency, tested) AS (
  SELECT 'answers of people', 1, a.amount, a.currency, true FROM human_act a
  UNION ALL SELECT 'policy versions', 1, NULL, NULL, true FROM policy_carried v JOIN period p ON v.entered_at >= p.since AND v.entered_at < p.until
  UNION ALL SELECT 'requests about personal data', 1, NULL, NULL, true FROM review.privacy_request q JOIN period p ON q.answered_at >= p.since AND q.answered_at < p.until
  UNION ALL SELECT 'acts about the log', 1, NULL, NULL, true FROM audit.log_confirmation c JOIN period p ON c.confirmed_at >= p.since AND c.confirmed_at < p.until
  UNION ALL SELECT 'changes of access', 1, NULL, NULL, true FROM review.access_change x JOIN period p ON x.answered_at >= p.since AND x.answered_at < p.until
  UNION ALL SELECT 'receipt lines', 1, NULL, NULL, true FROM purchasing.receipt_line r JOIN period p ON r.received_at >= p.since AND r.received_at < p.until
  UNION ALL SELECT 'holders of authority', count(DISTINCT a.person_id), NULL::numeric, NULL, true FROM authority_version a JOIN period p ON a.known_from < p.until AND a.known_until > p.since
    WHERE a.effective_from <= p.last_day AND (a.effective_to IS NULL OR a.effective_to >= p.first_day) HAVING count(*) > 0
), finding (check_id, ref, what, who, at, amount, currency, notice) AS (
  SELECT replace(replace(c.conflict, ',', ''), ' ', '_'), c.ref, c.one_side || '; ' || c.other_side, coalesce(n.name, c.person_id), c.at, c.amount, c.currency, NOT c.breach
  FROM conflict c LEFT JOIN review.person n ON n.person_id = c.person_id
)
{{ include: controls/summary }}
