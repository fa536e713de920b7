-- Question: what is proposed, by whom, what would it change, and what may this person do about it?
-- Grain: one row; none when there is no such proposal that this person may see. A why_not is null when the person may.
SELECT x.proposal_id, x.policy_id, k.process, x.version, x.sha256, x.content, x.state, x.machine_limit, x.currency,
       coalesce(v.effective_from, x.effective_from) AS effective_from, x.replaces_version, before.content AS replaces_content, x.impact, x.impact_sha256,
       (x.impact ->> 'decisions')::bigint AS decisions, (x.impact ->> 'changed')::bigint AS changed, p.name AS proposed_by, x.proposed_at,
       (SELECT jsonb_object_agg(act, (review.why_no_policy_act(x.proposal_id, %(person_id)s, act)).message)
          FROM unnest(ARRAY['approve', 'refuse', 'withdraw']) AS act) AS why_not,
       (SELECT jsonb_agg(jsonb_build_object('act', a.act, 'person', n.name, 'reason', a.reason, 'acted_at', a.acted_at) ORDER BY a.act_id)
          FROM review.policy_act a JOIN review.person n USING (person_id) WHERE a.proposal_id = x.proposal_id) AS acts
  FROM review.policy_proposal x
  JOIN ledger.policy k USING (policy_id)
  JOIN review.person p ON p.person_id = x.proposed_by
  LEFT JOIN ledger.policy_version v ON v.proposal_id = x.proposal_id
  LEFT JOIN ledger.policy_version before ON before.policy_id = x.policy_id AND before.version = x.replaces_version
 WHERE x.proposal_id = %(proposal_id)s
   AND EXISTS (SELECT FROM ops.entity e WHERE review.may_read(%(person_id)s, k.process, e.entity))
