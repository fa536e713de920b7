-- Question: what do the policies with these hashes say?
-- Grain: one row per version.
SELECT v.policy_id, v.version, v.content FROM ledger.policy_version v WHERE v.sha256 = ANY (%(hashes)s) ORDER BY v.policy_id, v.version
