-- Question: which invoices of the working set cannot be booked, because a code that blocks posting stands on them?
-- Grain: one row per invoice. Nothing received on a GR-based order line is such a code; whether it stands is judged here as if
-- nothing had been credited, the cautious reading, because credits are judged against what can be booked.
INSERT INTO work_unbookable (invoice_id)
WITH awaiting_receipt AS (
  SELECT l.invoice_id, l.amount_based, l.order_price, l.price_denominator, t.no_receipt_abs,
         SUM(l.quantity) OVER business_order AS quantity_after, SUM(l.net_amount) OVER business_order AS value_after
  FROM work_line l JOIN work_tolerance t ON t.tolerance_id = l.tolerance_id
  WHERE l.counts AND NOT l.is_credit AND l.match_type = 3 AND l.gr_based AND CASE WHEN l.amount_based THEN l.unknown_receipts = 0 AND l.received_value <= 0 ELSE l.received <= 0 END
  WINDOW business_order AS (PARTITION BY l.order_line_id ORDER BY l.document_order)
)
SELECT l.invoice_id FROM work_line l
WHERE l.supplier_mismatch OR l.currency_diff OR l.po_not_approved OR l.po_closed OR l.line_arith OR l.order_gate IN ('PO_MISSING', 'PO_NOT_FOUND')
UNION
SELECT w.invoice_id FROM work_invoice w
WHERE w.total_arith IS NOT NULL OR w.not_evaluable IS NOT NULL OR w.repeated OR w.above_limit
UNION
SELECT a.invoice_id FROM awaiting_receipt a
WHERE CASE WHEN a.amount_based THEN a.value_after > a.no_receipt_abs ELSE a.order_price * a.quantity_after > a.no_receipt_abs * a.price_denominator END;
DELETE FROM work_unbookable u USING work_invoice w WHERE w.invoice_id = u.invoice_id AND w.booking_no IS NOT NULL;
