-- Question: what do these cases say in short: what disagrees, the likeliest cause, what does an answer book?
-- Grain: one row per case.
SELECT c.case_id, t.told -> 'holds' AS holds, t.told -> 'hypotheses' -> 0 AS hypothesis, t.told #>> '{findings,0,reason}' AS finding,
       t.told -> 'document' AS document, t.told -> 'entries' AS entries, t.told -> 'actions' AS actions
  FROM review.case c
       -- read from where it is stored once, not once per part
 CROSS JOIN LATERAL (SELECT c.handover || '{}' AS told OFFSET 0) t
 WHERE c.case_id = ANY (%(case_ids)s)
