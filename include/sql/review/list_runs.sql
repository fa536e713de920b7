-- Question: which runs were there, the latest first, and have they reported?
-- Grain: one row per run.
SELECT r.run_id, r.process, r.dag_id, r.airflow_run_id, r.business_date, r.dry_run, r.started_at,
       coalesce((r.parameters ->> 'synthetic')::boolean, false) AS synthetic,
       p.written_at AS reported_at,
       (SELECT count(*) FROM review.case c WHERE c.opened_run = r.run_id AND c.state IN ('open', 'half_decided'))
         AS open_cases
  FROM ops.run r
  LEFT JOIN ops.run_report p USING (run_id)
 WHERE r.run_id < %(before_run)s AND r.dag_id = ANY (%(dag_ids)s)
 ORDER BY r.run_id DESC
 LIMIT %(most)s
