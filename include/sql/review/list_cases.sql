-- Question: which cases that this person may see match the filters, the most urgent first, after the last one already shown?
-- Grain: one row per case.
WITH page AS (
  SELECT c.case_id, coalesce(c.due_date, 'infinity') AS due
    FROM review.case c
   WHERE c.state = ANY (%(states)s) AND review.may_read(%(person_id)s, c.process, c.entity)
     AND (%(role)s::text IS NULL OR c.role = %(role)s)
     AND (%(code)s::text IS NULL
          OR EXISTS (SELECT FROM review.case_item i WHERE i.case_id = c.case_id AND i.code = %(code)s
                        AND (i.settled_at IS NULL OR c.state NOT IN ('open', 'half_decided'))))
     AND (NOT %(mine)s OR c.candidate_person = %(person_id)s OR c.role = ANY (%(roles)s))
     AND (%(pattern)s::text IS NULL
          OR c.case_id::text = %(query)s
          OR concat_ws(' ', c.subject_key, c.title, c.handover #>> '{supplier,name}', c.handover #>> '{supplier,id}',
                       c.handover #>> '{document,number}', c.handover #>> '{document,po_number}',
                       c.handover #>> '{document,filename}') ILIKE %(pattern)s)
     AND (coalesce(c.due_date, 'infinity'), c.case_id) > (%(after_due)s::date, %(after_case)s)
   ORDER BY coalesce(c.due_date, 'infinity'), c.case_id
   LIMIT %(most)s)
SELECT c.case_id, c.process, c.subject_kind, c.subject_key, c.title, c.entity, c.role, c.amount, c.currency,
       c.due_date, c.state, c.opened_at, c.handover #>> '{supplier,name}' AS supplier,
       c.handover #>> '{document,kind}' AS document_kind, c.handover #>> '{document,number}' AS document_number,
       person.name AS candidate, coalesce((r.parameters ->> 'synthetic')::boolean, false) AS synthetic,
       ARRAY (SELECT DISTINCT i.code FROM review.case_item i
               WHERE i.case_id = c.case_id AND (i.settled_at IS NULL OR c.state NOT IN ('open', 'half_decided'))
               ORDER BY 1) AS codes
  FROM page
  JOIN review.case c USING (case_id)
  LEFT JOIN review.person person ON person.person_id = c.candidate_person
  LEFT JOIN ops.run r ON r.run_id = c.opened_run
 ORDER BY page.due, c.case_id
