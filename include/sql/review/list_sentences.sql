-- Question: in which words is each hold code told?
-- Grain: one row per code.
SELECT code, title, sentence FROM ledger.hold_code
