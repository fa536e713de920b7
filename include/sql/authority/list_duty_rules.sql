-- Question: whom does their part in a document keep from deciding about it?
-- Grain: one row per part and code.
SELECT duty, code, excluded, unknown_is_anyone
  FROM review.duty_rule
 ORDER BY duty, code
