-- Question: what do these cases offer, and on which facts, as far as this person may see them?
-- Grain: one row per case.
SELECT c.case_id, c.title, encode(c.evidence_hash, 'hex') AS evidence_hash,
       ARRAY (SELECT a ->> 'action' FROM jsonb_array_elements(c.handover -> 'actions') AS a) AS actions
  FROM review.case c
 WHERE c.case_id = ANY (%(case_ids)s) AND review.may_read(%(person_id)s, c.process, c.entity)
