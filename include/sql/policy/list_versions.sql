-- Question: which policies may this person see, in which versions, and what became of each version?
-- Grain: one row per version, the latest approved first within its policy.
SELECT k.policy_id, k.process, v.version, s.state, v.sha256, v.machine_limit, v.currency, v.effective_from, v.effective_to, v.approved_at,
       coalesce(p.name, v.approved_by) AS approved_by, v.by_owner, v.proposal_id,
       review.not_policy_owner(%(person_id)s, k.policy_id, NULL, NULL) IS NULL AS may_propose
  FROM ledger.policy k
  JOIN ledger.policy_version v USING (policy_id)
  JOIN ledger.policy_state s ON s.policy_id = v.policy_id AND s.version = v.version
  LEFT JOIN review.person p ON NOT v.by_owner AND p.person_id = v.approved_by
 WHERE EXISTS (SELECT FROM ops.entity e WHERE review.may_read(%(person_id)s, k.process, e.entity))
 ORDER BY k.policy_id, v.approved_at DESC
