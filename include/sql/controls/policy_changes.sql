-- Question: was every policy that decides changed by two people, and is its text the one that was recorded?
-- Population: policy versions that were carried or came into force in the period. What an installation brings as a policy's first version is a notice.
WITH {{ include: governance/period }}, {{ include: governance/policy_versions }},
changed AS MATERIALIZED (
  SELECT v.*, 'policy ' || v.policy_id || ' version ' || v.version AS ref, v.version = min(v.version) OVER (PARTITION BY v.policy_id) AS is_first FROM policy_carried v
), population (unit, items, amount, currency, tested) AS (
  SELECT 'policy versions', 1, NULL::numeric, NULL::text, true FROM changed c JOIN period t ON c.entered_at >= t.since AND c.entered_at < t.until OR c.since >= t.since AND c.since < t.until
), finding (check_id, ref, what, who, at, amount, currency, notice) AS (
  SELECT CASE WHEN c.is_first AND c.owner_name IS NOT DISTINCT FROM 'installation' THEN 'brought_by_installation' ELSE 'changed_by_the_owner' END, c.ref,
         'machine limit ' || trim_scale(c.machine_limit)::text || ' ' || c.currency || '; ' || coalesce('entered by the owner of the database as "' || c.owner_name || '", no two people carried it', 'its proposal has not both acts'), coalesce(c.owner_name, c.approved_by, 'unknown'), c.entered_at, c.machine_limit, c.currency,
         c.is_first AND c.owner_name IS NOT DISTINCT FROM 'installation'
  FROM changed c JOIN period t ON c.entered_at >= t.since AND c.entered_at < t.until OR c.since >= t.since AND c.since < t.until WHERE c.proposed_by IS NULL OR c.approved_by IS NULL
  UNION ALL
  SELECT 'one_person', c.ref, 'proposed and approved by the same person', c.approved_by, c.entered_at, c.machine_limit, c.currency, false
  FROM changed c JOIN period t ON c.entered_at >= t.since AND c.entered_at < t.until OR c.since >= t.since AND c.since < t.until WHERE c.proposed_by = c.approved_by
  UNION ALL
  SELECT 'text_is_not_its_hash', c.ref, 'its text has another hash than the one it decides by', coalesce(c.approved_by, c.owner_name), c.since, NULL, NULL, false
  FROM changed c WHERE c.sha256 <> encode(sha256(convert_to(c.content, 'UTF8')), 'hex')
  UNION ALL
  SELECT 'limit_is_not_its_texts', c.ref, 'the machine is held to ' || trim_scale(c.machine_limit)::text || ' ' || c.currency || ', its text says ' || said.limit_text, coalesce(c.approved_by, c.owner_name), c.since, c.machine_limit, c.currency, false
  FROM changed c CROSS JOIN LATERAL (SELECT ledger.policy_says(c.content, 'machine_limit', '.*') AS limit_text OFFSET 0) said
  WHERE (c.machine_limit, c.currency::text) IS DISTINCT FROM (split_part(said.limit_text, ' ', 1)::numeric, split_part(said.limit_text, ' ', 2))
)
{{ include: controls/summary }}
