-- Question: what is the text of the policy version that the records name by this hash, or by this name and version?
-- Grain: at most one row per version.
SELECT v.policy_id, v.version, v.sha256, v.content, v.machine_limit, v.currency FROM ledger.policy_version v
WHERE v.policy_id = %(policy_id)s AND v.version = %(version)s
