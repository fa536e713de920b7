-- Question: who can be asked about a case: every active person with a log-in to these pages, but the one who looks.
-- Grain: one row per person, by name.
SELECT p.person_id, p.name
  FROM review.person p
 WHERE p.active AND p.person_id <> %(person_id)s
   AND EXISTS (SELECT FROM review.identity d WHERE d.person_id = p.person_id AND d.system = %(system)s)
 ORDER BY p.name, p.person_id
 LIMIT 500
