-- What each billed line moves in GR/IR. GR/IR stands at the order price of the cumulative quantity, so that it does not depend
-- on the order of events. Where something else was received (the price changed since), it is cleared at the value received per
-- unit up to the quantity received, at the order price beyond it.
-- Reads billed: invoice_line_id, invoice_id, position, booking_no, sign, net_amount, quantity, uom, order_line_id. Gives cleared:
-- signed net amount, quantity and GR/IR amount; no GR/IR amount without an order line or an exact unit factor.
converted AS (
  SELECT b.invoice_line_id, b.invoice_id, b.position, b.booking_no, b.sign, b.net_amount, o.order_line_id, o.amount_based, o.unit_price, o.price_base_quantity,
         round(CASE WHEN o.order_line_id IS NULL OR o.amount_based THEN NULL WHEN b.uom = o.uom THEN b.quantity
                    ELSE b.quantity * coalesce(f.numerator, g.numerator) / coalesce(f.denominator, g.denominator) END, 12) AS order_quantity
  FROM billed b
  LEFT JOIN order_line o ON o.order_line_id = b.order_line_id
  LEFT JOIN uom_factor f ON f.from_uom = b.uom AND f.to_uom = o.uom AND f.item = o.item
  LEFT JOIN uom_factor g ON g.from_uom = b.uom AND g.to_uom = o.uom AND g.item = '*'
), running AS (
  SELECT b.*, b.order_quantity IS NOT NULL AS clears, k.received_quantity, k.received_value, k.billed_value,
         k.billed_quantity + SUM(b.sign * b.order_quantity) OVER booking_order AS after_quantity, row_number() OVER booking_order AS place
  FROM converted b LEFT JOIN gr_ir k ON k.order_line_id = b.order_line_id AND b.order_quantity IS NOT NULL
  WINDOW booking_order AS (PARTITION BY b.order_line_id, b.order_quantity IS NOT NULL ORDER BY b.booking_no, b.position ROWS UNBOUNDED PRECEDING)
), target AS (
  SELECT r.*, round(CASE WHEN r.received_value = round(r.received_quantity * r.unit_price / r.price_base_quantity, 2) THEN r.after_quantity * r.unit_price / r.price_base_quantity
                         WHEN r.received_quantity > 0 AND r.after_quantity <= r.received_quantity THEN r.received_value * r.after_quantity / r.received_quantity
                         ELSE r.received_value + (r.after_quantity - r.received_quantity) * r.unit_price / r.price_base_quantity END, 2) AS target_value
  FROM running r
), cleared AS (
  SELECT t.invoice_line_id, t.invoice_id, t.position, t.order_line_id, t.sign * round(t.net_amount, 2) AS net, coalesce(t.sign * t.order_quantity, 0) AS quantity,
         CASE WHEN t.clears THEN t.target_value - coalesce(lag(t.target_value) OVER (PARTITION BY t.order_line_id, t.clears ORDER BY t.place), t.billed_value)
              WHEN t.amount_based THEN t.sign * round(t.net_amount, 2) END AS gr_ir
  FROM target t
)
