-- Which loads of this dataset did this run read, are they still to be gated, and are they a made-up company's?
-- One row per load that was not superseded by a later reading of the same source.
SELECT l.load_id, l.source, l.state, coalesce((r.parameters ->> 'synthetic')::boolean, false) AS synthetic
FROM ops.run AS r
JOIN intake.load AS l ON l.run_id = r.run_id
WHERE r.dag_id = %(dag_id)s
  AND r.airflow_run_id = %(airflow_run_id)s
  AND l.dataset = %(dataset)s
  AND l.state IN ('reading', 'read', 'gated', 'accepted', 'refused')
ORDER BY l.source, l.load_id
