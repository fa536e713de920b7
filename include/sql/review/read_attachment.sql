-- Question: what are the bytes of this file of the case, and are they the ones that were attached, if this person may see the case?
-- Grain: one row, or none.
SELECT t.content, t.media_type, a.reason AS filename,
       sha256(t.content) = t.sha256
         AND EXISTS (SELECT FROM audit.record r
                      WHERE r.subject = 'case:' || t.case_id AND r.kind = 'human'
                        AND (r.body IS NULL OR convert_from(r.body, 'UTF8')::jsonb ->> 'act_id' = t.act_id::text
                                               AND convert_from(r.body, 'UTF8')::jsonb ->> 'sha256' = encode(t.sha256, 'hex'))) AS whole
  FROM review.attachment t
  JOIN review.case_act a USING (act_id)
  JOIN review.case c ON c.case_id = t.case_id
 WHERE t.case_id = %(case_id)s AND t.act_id = %(act_id)s AND review.may_read(%(person_id)s, c.process, c.entity)
