-- Rows whose order line another row of the load has too, with other content and no later version.
row_no IN (
  SELECT twin.row_no FROM (
    SELECT g.row_no, min(encode(g.content_hash, 'hex')) OVER same_version <> max(encode(g.content_hash, 'hex')) OVER same_version AS differs
    FROM intake.gate_orders AS g
    WHERE g.entity IS NOT NULL AND g.po_number IS NOT NULL AND g.po_line IS NOT NULL
    WINDOW same_version AS (PARTITION BY g.entity, g.po_number, g.po_line, g.version, g.updated_at)
  ) AS twin WHERE twin.differs
)
