-- Question: which run of the ledger is this Airflow run, and when did it start?
-- Grain: one row, or none when the run never opened in the ledger.
SELECT run_id, started_at, dry_run
  FROM ops.run
 WHERE dag_id = %(dag_id)s AND airflow_run_id = %(airflow_run_id)s
