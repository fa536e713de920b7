-- Rows that give an order line another unit than the one in which goods were received on it.
EXISTS (
  SELECT FROM purchasing.order_line AS known
  WHERE known.entity = this_row.entity AND known.po_number = this_row.po_number AND known.po_line_key = ltrim(this_row.po_line, '0')
    AND (known.amount_based <> coalesce(this_row.amount_based, false) OR NOT known.amount_based AND intake.in_unit(1, known.uom, this_row.uom, this_row.item) IS DISTINCT FROM 1)
    AND EXISTS (SELECT FROM purchasing.receipt_line AS received WHERE received.order_line_id = known.order_line_id)
)
