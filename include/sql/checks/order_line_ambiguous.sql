-- Rows whose order line another row of the load has too, with other content and no later version.
(entity, po_number, po_line, coalesce(version, -1), coalesce(updated_at, '-infinity')) IN (
  SELECT twin.entity, twin.po_number, twin.po_line, coalesce(twin.version, -1), coalesce(twin.updated_at, '-infinity')
  FROM intake.stage_order_line AS twin WHERE twin.load_id = intake.this_load()
  GROUP BY 1, 2, 3, 4, 5 HAVING count(DISTINCT twin.content_hash) > 1
)
