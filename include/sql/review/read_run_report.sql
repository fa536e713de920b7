-- Question: what did this run report, and how do the cases it opened stand now?
-- Grain: one row, or none when the ledger does not know the run.
SELECT r.run_id, r.dag_id, r.airflow_run_id, r.started_at, r.dry_run, p.report, p.written_at,
       (SELECT count(*) FROM review.case c WHERE c.opened_run = r.run_id AND c.state IN ('open', 'half_decided'))
         AS open_cases
  FROM ops.run r
  LEFT JOIN ops.run_report p USING (run_id)
 WHERE r.dag_id = %(dag_id)s AND r.airflow_run_id = %(airflow_run_id)s
