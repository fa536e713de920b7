-- Question: which run has this number, or this name in Airflow?
-- Grain: one row per run that may be meant.
SELECT r.run_id, r.dag_id || ' / ' || r.airflow_run_id AS title
FROM ops.run r WHERE r.run_id = %(run_id)s OR r.airflow_run_id = %(name)s ORDER BY r.run_id
