-- Question: which text does a proposal for a policy replace, and may this person propose one?
-- Grain: one row; none when there is no such policy that this person may see. why_not is null when the person may.
SELECT k.policy_id, k.process, v.version, v.content, review.not_policy_owner(%(person_id)s, k.policy_id, NULL, NULL) AS why_not
  FROM ledger.policy k
  JOIN ledger.policy_version v USING (policy_id)
 WHERE k.policy_id = %(policy_id)s
   AND EXISTS (SELECT FROM ops.entity e WHERE review.may_read(%(person_id)s, k.process, e.entity))
 ORDER BY v.approved_at DESC
 LIMIT 1
