-- Question: what do these cases say in short: what disagrees, the likeliest cause, what an answer books, what nobody may release?
-- Grain: one row per case.
SELECT c.case_id, t.told -> 'holds' AS holds, t.told -> 'hypotheses' -> 0 AS hypothesis, t.told #>> '{findings,0,reason}' AS finding,
       t.told -> 'document' AS document, t.told -> 'entries' AS entries, t.told -> 'actions' AS actions,
       ARRAY (SELECT DISTINCT k.title FROM jsonb_array_elements(t.told -> 'holds') AS h JOIN ledger.hold_code k ON k.code = h ->> 'code'
               WHERE NOT k.manual_release OR k.releasable_reasons IS NOT NULL ORDER BY 1) AS not_releasable
  FROM review.case c
       -- read from where it is stored once, not once per part
 CROSS JOIN LATERAL (SELECT c.handover || '{}' AS told OFFSET 0) t
 WHERE c.case_id = ANY (%(case_ids)s)
