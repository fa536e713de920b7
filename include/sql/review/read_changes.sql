-- Question: what changed in this case since the facts of this hash were shown?
-- Grain: one row; changes is null when nothing did.
SELECT review.changes_since(%(case_id)s, decode(%(evidence_hash)s, 'hex')) AS changes
