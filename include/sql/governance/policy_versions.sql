-- Policy versions: when each decides, and who carried it. Two persons are proposed_by and approved_by; without them the owner of the
-- database entered it (owner_name).
policy_carried AS MATERIALIZED (
  SELECT p.policy_id, p.version, p.sha256, p.content, p.machine_limit, p.currency, p.active_from AS since, coalesce(p.active_until, 'infinity') AS until,
         NULL::text AS proposed_by, NULL::text AS approved_by, p.activated_by AS owner_name
  FROM ledger.policy_version p
)
