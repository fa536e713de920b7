-- Question: which documents of the working set repeat an earlier document of the same supplier group and kind?
-- Grain: one row per document in scope that does; the earliest such other document is named.
WITH candidate AS (
  SELECT i.invoice_id, e.invoice_id AS other_id,
         CASE WHEN i.number_key = e.number_key AND (i.gross_total = e.gross_total OR i.invoice_date = e.invoice_date) THEN 'DUP_EXACT'
              ELSE 'DUP_LIKELY' END AS duplicate,
         ws.booking_no AS other_booking_no, e.invoice_date AS other_date, e.number_key AS other_key, e.invoice_number COLLATE "C" AS other_number, e.content_hash AS other_hash
  FROM work_invoice w
  JOIN invoice i ON i.invoice_id = w.invoice_id
  JOIN invoice e ON e.supplier_group = i.supplier_group AND e.confusable_key = i.confusable_key AND e.kind = i.kind AND e.invoice_id <> i.invoice_id
  LEFT JOIN invoice_status ws ON ws.invoice_id = e.invoice_id
  WHERE i.duplicates_evaluable AND e.duplicates_evaluable AND i.number_key <> '' AND ws.state IS DISTINCT FROM 'rejected'
    AND (coalesce(ws.booking_no, 9223372036854775807), e.invoice_date, e.number_key, e.invoice_number COLLATE "C", e.content_hash)
      < (coalesce(w.booking_no, 9223372036854775807), i.invoice_date, i.number_key, i.invoice_number COLLATE "C", i.content_hash)
  UNION ALL
  SELECT i.invoice_id, e.invoice_id, 'DUP_LIKELY', ws.booking_no, e.invoice_date, e.number_key, e.invoice_number COLLATE "C", e.content_hash
  FROM work_invoice w
  JOIN invoice i ON i.invoice_id = w.invoice_id
  JOIN invoice e ON e.supplier_group = i.supplier_group AND e.letters_key = i.letters_key AND e.kind = i.kind AND e.invoice_id <> i.invoice_id
  LEFT JOIN invoice_status ws ON ws.invoice_id = e.invoice_id
  WHERE i.duplicates_evaluable AND e.duplicates_evaluable AND i.number_key <> '' AND ws.state IS DISTINCT FROM 'rejected'
    AND e.number_key <> i.number_key AND (i.gross_total = e.gross_total OR i.invoice_date = e.invoice_date)
    AND purchasing.is_neighbour_swap(i.number_key, e.number_key)
    AND (coalesce(ws.booking_no, 9223372036854775807), e.invoice_date, e.number_key, e.invoice_number COLLATE "C", e.content_hash)
      < (coalesce(w.booking_no, 9223372036854775807), i.invoice_date, i.number_key, i.invoice_number COLLATE "C", i.content_hash)
), strongest AS (
  SELECT DISTINCT ON (c.invoice_id) c.invoice_id, c.duplicate, c.other_id FROM candidate c
  ORDER BY c.invoice_id, c.duplicate, c.other_booking_no NULLS LAST, c.other_date, c.other_key, c.other_number, c.other_hash
)
UPDATE work_invoice w SET duplicate = s.duplicate, other_invoice_id = s.other_id
FROM strongest s WHERE s.invoice_id = w.invoice_id;
