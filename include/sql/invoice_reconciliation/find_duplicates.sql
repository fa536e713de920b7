-- Question: which documents of the working set repeat an earlier document of the same supplier group and kind?
-- Grain: one row per document in scope that does; the earliest such other document is named.
WITH candidate AS (
  SELECT i.invoice_id, e.invoice_id AS other_id, i.number_key = e.number_key AS same_number, i.confusable_key = e.confusable_key AS confusable,
         i.gross_total = e.gross_total OR i.invoice_date = e.invoice_date AS same_amount_or_date, i.number_key, e.number_key AS other_key,
         ws.booking_no AS other_booking_no, e.invoice_date AS other_date, e.invoice_number COLLATE "C" AS other_number, e.content_hash AS other_hash
  FROM work_repetition r
  JOIN work_invoice w ON w.invoice_id = r.invoice_id
  JOIN invoice i ON i.invoice_id = r.invoice_id
  JOIN invoice e ON e.invoice_id = r.other_invoice_id
  LEFT JOIN invoice_status ws ON ws.invoice_id = e.invoice_id
  WHERE e.supplier_group = i.supplier_group AND e.kind = i.kind AND ws.state IS DISTINCT FROM 'rejected'
    AND (coalesce(ws.booking_no, 9223372036854775807), e.invoice_date, e.number_key, e.invoice_number COLLATE "C", e.content_hash)
      < (coalesce(w.booking_no, 9223372036854775807), i.invoice_date, i.number_key, i.invoice_number COLLATE "C", i.content_hash)
), repeating AS (
  SELECT c.*, CASE WHEN c.same_number AND c.same_amount_or_date THEN 'DUP_EXACT' ELSE 'DUP_LIKELY' END AS duplicate FROM candidate c
  WHERE c.same_number OR c.confusable OR c.same_amount_or_date AND purchasing.is_neighbour_swap(c.number_key, c.other_key)
), strongest AS (
  SELECT DISTINCT ON (r.invoice_id) r.invoice_id, r.duplicate, r.other_id FROM repeating r
  ORDER BY r.invoice_id, r.duplicate, r.other_booking_no NULLS LAST, r.other_date, r.other_key, r.other_number, r.other_hash
)
UPDATE work_invoice w SET duplicate = s.duplicate, other_invoice_id = s.other_id,
  repeated = s.duplicate = 'DUP_EXACT' AND w.booking_no IS NULL
    AND NOT EXISTS (SELECT FROM hold h WHERE h.invoice_id = w.invoice_id AND h.code = 'DUP_EXACT' AND h.release_kind = 'person')
FROM strongest s WHERE s.invoice_id = w.invoice_id;
