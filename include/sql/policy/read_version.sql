-- Question: what does a version of a policy say, and how did it come about?
-- Grain: one row; none when there is no such version that this person may see.
SELECT k.policy_id, k.process, v.version, s.state, v.sha256, v.machine_limit, v.currency, v.effective_from, v.effective_to, v.approved_at,
       coalesce(p.name, v.approved_by) AS approved_by, v.by_owner, v.proposal_id, v.content
  FROM ledger.policy k
  JOIN ledger.policy_version v USING (policy_id)
  JOIN ledger.policy_state s ON s.policy_id = v.policy_id AND s.version = v.version
  LEFT JOIN review.person p ON NOT v.by_owner AND p.person_id = v.approved_by
 WHERE k.policy_id = %(policy_id)s AND v.version = %(version)s
   AND EXISTS (SELECT FROM ops.entity e WHERE review.may_read(%(person_id)s, k.process, e.entity))
