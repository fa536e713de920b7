-- Question: what are these cases called, and on which facts do they rest, as far as this person may see them?
-- Grain: one row per case.
SELECT c.case_id, c.subject_kind, c.title, encode(c.evidence_hash, 'hex') AS evidence_hash
  FROM review.case c
 WHERE c.case_id = ANY (%(case_ids)s) AND review.may_read(%(person_id)s, c.process, c.entity)
