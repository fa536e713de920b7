-- Question: how many of the cases that these runs opened are in each state now, and what do they amount to?
-- Grain: one row per run, state and currency; a run without cases has none. A case without amount or currency is counted, its amount never as zero.
SELECT opened_run AS run_id, state, CASE WHEN amount IS NOT NULL THEN currency END AS currency, count(*) AS cases, sum(amount) AS amount
  FROM review.case
 WHERE opened_run = ANY (%(run_ids)s) AND process = %(process)s
 GROUP BY opened_run, state, CASE WHEN amount IS NOT NULL THEN currency END
