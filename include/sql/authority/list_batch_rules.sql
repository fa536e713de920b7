-- Question: from which total on are the items of one run put before a person as a batch, and who signs?
-- Grain: one row per kind of item, process and company.
SELECT item_kind, process, entity, amount_above, currency, role
  FROM review.batch_rule
 ORDER BY item_kind, process, entity
