-- Question: how many of the cases that these runs opened are in each state now?
-- Grain: one row per run and state; a run without cases has none.
SELECT opened_run AS run_id, state, count(*) AS cases
  FROM review.case
 WHERE opened_run = ANY (%(run_ids)s) AND process = %(process)s
 GROUP BY opened_run, state
