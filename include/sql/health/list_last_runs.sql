-- Question: which was the last run of each process that was no rehearsal, and has it reported?
-- Grain: one row per process.
SELECT DISTINCT ON (r.process) r.process, r.dag_id, r.airflow_run_id, r.business_date, r.started_at, p.written_at AS reported_at
  FROM ops.run r
  LEFT JOIN ops.run_report p USING (run_id)
 WHERE NOT r.dry_run
 ORDER BY r.process, r.run_id DESC
