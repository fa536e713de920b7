-- Question: what does this case say, and from which run is it?
-- Grain: one row, or none when there is no such case or this person may not see it.
SELECT c.case_id, c.process, c.subject_kind, c.subject_id, c.subject_key, c.title, c.entity, c.role, c.amount,
       c.currency, c.due_date, c.discount_date, c.discount_percent, c.state, c.opened_at, c.closed_at, encode(c.evidence_hash, 'hex') AS evidence_hash,
       c.handover, c.candidate_person, person.name AS candidate, r.dag_id, r.airflow_run_id,
       coalesce((r.parameters ->> 'synthetic')::boolean, false) AS synthetic,
       ARRAY(SELECT DISTINCT i.code FROM review.case_item i WHERE i.case_id = c.case_id ORDER BY 1) AS codes,
       -- whoever notes it down becomes a witness of the log as it is now
       (SELECT s.short FROM audit.latest_seal s) AS checkpoint
  FROM review.case c
  LEFT JOIN review.person person ON person.person_id = c.candidate_person
  LEFT JOIN ops.run r ON r.run_id = c.opened_run
 WHERE c.case_id = %(case_id)s AND review.may_read(%(person_id)s, c.process, c.entity)
