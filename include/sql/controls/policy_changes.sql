-- Question: was every policy that decides changed by two people, and is its text the one that was recorded?
-- Population: policy versions that came into force in the period. What an installation brings as a policy's first version is a notice.
WITH {{ include: governance/period }}, {{ include: governance/policy_versions }},
changed AS MATERIALIZED (
  SELECT v.*, 'policy ' || v.policy_id || ' version ' || v.version AS ref, v.version = min(v.version) OVER (PARTITION BY v.policy_id) AS is_first FROM policy_carried v
), population (unit, items, amount, currency, tested) AS (
  SELECT 'policy versions', 1, NULL::numeric, NULL::text, true FROM changed c JOIN period t ON c.since >= t.since AND c.since < t.until
), finding (check_id, ref, what, who, at, amount, currency, notice) AS (
  SELECT CASE WHEN c.is_first AND c.owner_name = 'installation' THEN 'brought_by_installation' ELSE 'changed_by_the_owner' END, c.ref,
         'machine limit ' || trim_scale(c.machine_limit)::text || ' ' || c.currency || '; entered by the owner of the database as "' || c.owner_name || '", no two people carried it', c.owner_name, c.since, c.machine_limit, c.currency,
         c.is_first AND c.owner_name = 'installation'
  FROM changed c JOIN period t ON c.since >= t.since AND c.since < t.until WHERE c.proposed_by IS NULL OR c.approved_by IS NULL
  UNION ALL
  SELECT 'one_person', c.ref, 'proposed and approved by the same person', c.approved_by, c.since, c.machine_limit, c.currency, false
  FROM changed c JOIN period t ON c.since >= t.since AND c.since < t.until WHERE c.proposed_by = c.approved_by
  UNION ALL
  SELECT 'text_is_not_its_hash', c.ref, 'its text has another hash than the one it decides by', coalesce(c.approved_by, c.owner_name), c.since, NULL, NULL, false
  FROM changed c WHERE c.sha256 <> encode(sha256(convert_to(c.content, 'UTF8')), 'hex')
  UNION ALL
  SELECT 'two_in_force', c.ref, 'in force at the same time as version ' || o.version, coalesce(c.approved_by, c.owner_name), c.since, NULL, NULL, false
  FROM changed c JOIN changed o ON o.policy_id = c.policy_id AND o.version < c.version AND c.since < o.until AND o.since < c.until
  JOIN period t ON c.since < t.until AND c.until > t.since
)
{{ include: controls/summary }}
