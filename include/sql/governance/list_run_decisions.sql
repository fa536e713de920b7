-- Question: which decisions did the machine make in this run?
-- Grain: one row per decision.
SELECT d.decision_id FROM ledger.decision d WHERE d.run_id = %(run_id)s AND d.maker = 'machine' ORDER BY d.decision_id
