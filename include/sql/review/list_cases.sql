-- Question: which cases match the filters, in the chosen order, after the last one already shown?
-- Grain: one row per case.
-- In braces: an order and conditions of backoffice.web.inbox_query, which bind every value; nothing that anybody typed.
WITH page AS (
  SELECT c.case_id, row_number() OVER (ORDER BY {order}) AS place
    FROM review.case c
   WHERE {conditions}
   ORDER BY {order}
   LIMIT %(most)s)
SELECT c.case_id, c.process, c.subject_kind, c.subject_key, c.title, c.entity, c.role, c.amount, c.currency,
       c.due_date, c.discount_date, c.discount_percent, c.due_at, nullif(c.inbox_due, 'infinity') AS inbox_due, c.priority, c.claimed_by, claimer.name AS claimer, c.state, s.status,
       c.opened_at, encode(c.evidence_hash, 'hex') AS evidence_hash,
       c.handover #>> '{{supplier,name}}' AS supplier, c.handover -> 'actions' AS actions,
       c.handover #>> '{{document,kind}}' AS document_kind, c.handover #>> '{{document,number}}' AS document_number,
       person.name AS candidate, coalesce((r.parameters ->> 'synthetic')::boolean, false) AS synthetic,
       ARRAY (SELECT DISTINCT i.code FROM review.case_item i
               WHERE i.case_id = c.case_id AND (i.settled_at IS NULL OR c.state NOT IN ('open', 'half_decided'))
               ORDER BY 1) AS codes
  FROM page
  JOIN review.case c USING (case_id)
  JOIN review.case_status s USING (case_id)
  LEFT JOIN review.person person ON person.person_id = c.candidate_person
  LEFT JOIN review.person claimer ON claimer.person_id = c.claimed_by
  LEFT JOIN ops.run r ON r.run_id = c.opened_run
 ORDER BY page.place
