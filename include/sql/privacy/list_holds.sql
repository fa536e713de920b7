-- Question: which legal holds are in force, or were?
-- Grain: one row per hold, the latest first.
SELECT h.hold_id, h.scope_kind, h.scope, h.reason, placed.name AS placed_by, h.placed_at, h.lifted_at, h.lifted_by AS lifted_by_request
  FROM audit.legal_hold h
  JOIN review.person placed ON placed.person_id = h.placed_by
 WHERE %(lifted)s OR h.lifted_at IS NULL
 ORDER BY h.hold_id DESC
 LIMIT %(most)s
