-- Question: which Dags have runs in the ledger?
-- Grain: one row per Dag.
SELECT DISTINCT dag_id FROM ops.run ORDER BY dag_id
