-- Policy versions: when each decides, and who carried it. A version decides from its business day on, not before it was approved, until
-- one that was approved later reaches its own, or its last day has passed. Two persons are proposed_by and approved_by; without them the owner of the database
-- entered it (owner_name).
policy_start AS MATERIALIZED (
  SELECT v.policy_id, v.version, v.approved_at, greatest(v.approved_at, CASE WHEN v.effective_from IS NULL THEN '-infinity'
    -- under a simulated clock the day comes with the first run of it
    WHEN EXISTS (SELECT FROM ops.simulated_clock) THEN coalesce((SELECT min(r.started_at) FROM ops.run r WHERE r.business_date >= v.effective_from AND r.started_at >= v.approved_at),
      CASE WHEN ledger.policy_day() >= v.effective_from THEN v.approved_at ELSE 'infinity' END)
    ELSE coalesce((SELECT min(v.effective_from::timestamp AT TIME ZONE e.time_zone) FROM ops.entity e), v.effective_from::timestamp AT TIME ZONE 'UTC') END) AS since,
    CASE WHEN v.effective_to IS NULL THEN 'infinity'
    WHEN EXISTS (SELECT FROM ops.simulated_clock) THEN coalesce((SELECT min(r.started_at) FROM ops.run r WHERE r.business_date > v.effective_to AND r.started_at >= v.approved_at), 'infinity')
    ELSE coalesce((SELECT min((v.effective_to + 1)::timestamp AT TIME ZONE e.time_zone) FROM ops.entity e), (v.effective_to + 1)::timestamp AT TIME ZONE 'UTC') END AS ends
  FROM ledger.policy_version v
), policy_carried AS MATERIALIZED (
  SELECT v.policy_id, v.version, v.sha256, v.content, v.machine_limit, v.currency, v.approved_at AS entered_at, b.since,
         least(b.ends, (SELECT min(l.since) FROM policy_start l WHERE l.policy_id = v.policy_id AND l.approved_at > v.approved_at)) AS until,
         p.person_id AS proposed_by, a.person_id AS approved_by, CASE WHEN v.proposal_id IS NULL THEN v.approved_by END AS owner_name
  FROM ledger.policy_version v JOIN policy_start b ON b.policy_id = v.policy_id AND b.version = v.version
  LEFT JOIN review.policy_act p ON p.proposal_id = v.proposal_id AND p.act = 'propose' LEFT JOIN review.policy_act a ON a.proposal_id = v.proposal_id AND a.act = 'approve'
)
