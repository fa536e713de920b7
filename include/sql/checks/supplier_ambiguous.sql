-- Rows whose supplier number another row of the load has too, with other content and no later date.
(supplier_id, coalesce(updated_at, '-infinity')) IN (
  SELECT twin.supplier_id, coalesce(twin.updated_at, '-infinity')
  FROM intake.stage_supplier AS twin WHERE twin.load_id = intake.this_load()
  GROUP BY 1, 2 HAVING count(DISTINCT twin.content_hash) > 1
)
