-- Rows whose supplier number another row of the load has too, with other content and no later date.
row_no IN (
  SELECT twin.row_no FROM (
    SELECT g.row_no, min(encode(g.content_hash, 'hex')) OVER same_date <> max(encode(g.content_hash, 'hex')) OVER same_date AS differs
    FROM intake.gate_suppliers AS g
    WHERE g.supplier_id IS NOT NULL
    WINDOW same_date AS (PARTITION BY g.supplier_id, g.updated_at)
  ) AS twin WHERE twin.differs
)
