-- Question: which changes of policies were proposed that this person may see?
-- Grain: one row per proposal, the latest first; those that wait come before those that are settled.
SELECT x.proposal_id, x.policy_id, x.version, x.sha256, x.state, x.machine_limit, x.currency, coalesce(v.effective_from, x.effective_from) AS effective_from,
       x.impact_sha256, (x.impact ->> 'decisions')::bigint AS decisions, (x.impact ->> 'changed')::bigint AS changed, p.name AS proposed_by, x.proposed_at
  FROM review.policy_proposal x
  JOIN ledger.policy k USING (policy_id)
  JOIN review.person p ON p.person_id = x.proposed_by
  LEFT JOIN ledger.policy_version v ON v.proposal_id = x.proposal_id
 WHERE EXISTS (SELECT FROM ops.entity e WHERE review.may_read(%(person_id)s, k.process, e.entity))
 ORDER BY x.state = 'proposed' DESC, x.proposal_id DESC
 LIMIT %(most)s
