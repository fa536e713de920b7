-- Question: how long is what kept, and why?
-- Grain: one row per class of records.
SELECT r.class AS record_class, r.years, r.counted_from, r.basis FROM audit.retention r ORDER BY r.class
