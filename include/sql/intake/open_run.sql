-- Question: which run of the ledger is this Dag run? Opened by the first task that asks.
-- Grain: one row.
SELECT ops.open_run(%s, %s, %s, %s, %s, %s)
