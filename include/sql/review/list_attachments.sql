-- Question: which files did people put to this case?
-- Grain: one row per file, without its content, oldest first.
SELECT t.act_id, a.reason AS filename, t.media_type, t.bytes, encode(t.sha256, 'hex') AS sha256, p.name AS person, a.acted_at
  FROM review.attachment t
  JOIN review.case_act a USING (act_id)
  JOIN review.person p USING (person_id)
 WHERE t.case_id = %(case_id)s
 ORDER BY t.act_id
