-- Question: which days does a fiscal period of this name have?
-- Grain: one row per different days, with the company codes that have them.
SELECT f.starts_on, f.ends_on, string_agg(f.entity, ', ' ORDER BY f.entity) AS entities FROM ledger.fiscal_period f WHERE f.period = %(name)s GROUP BY f.starts_on, f.ends_on ORDER BY 1, 2
