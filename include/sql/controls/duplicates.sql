-- Question: is any document booked twice without a person's word, and was every suspected repetition settled by a person or by facts?
-- Population: documents booked in the period, at their gross amount; holds for repetition raised in the period.
WITH {{ include: governance/period }},
booked AS MATERIALIZED (
  SELECT i.invoice_id, i.invoice_number, i.number_key, i.similar_number, i.supplier_group, i.kind, i.gross_total, i.invoice_date, i.currency, st.booking_no, st.state, e.booked_at, coalesce(e.person_id, 'machine') AS who
  FROM period t JOIN ledger.journal_entry e ON e.event IN ('invoice', 'credit_note') AND e.posting_date BETWEEN t.first_day AND t.last_day
  JOIN purchasing.invoice i ON i.invoice_id = e.invoice_id LEFT JOIN ledger.invoice_status st ON st.invoice_id = i.invoice_id
), pair AS (
  SELECT DISTINCT ON (b.invoice_id) b.invoice_id, b.invoice_number, b.gross_total, b.currency, b.booked_at, b.who, o.invoice_number AS other_number, o.invoice_date AS other_date, o.invoice_id AS other_id
  FROM booked b JOIN purchasing.invoice o ON o.similar_number = b.similar_number AND o.supplier_group = b.supplier_group AND o.kind = b.kind AND o.number_key = b.number_key
   AND (o.gross_total = b.gross_total OR o.invoice_date = b.invoice_date) AND o.invoice_id <> b.invoice_id
  JOIN ledger.invoice_status os ON os.invoice_id = o.invoice_id AND os.booking_no IS NOT NULL AND os.state <> 'rejected'
  WHERE b.state IS DISTINCT FROM 'rejected' AND (os.booking_no, o.invoice_id) < (coalesce(b.booking_no, 9223372036854775807), b.invoice_id)
  ORDER BY b.invoice_id, os.booking_no
), suspected AS MATERIALIZED (
  SELECT h.*, i.invoice_number, i.gross_total, i.currency FROM period t JOIN ledger.hold h ON h.code IN ('DUP_EXACT', 'DUP_LIKELY') AND h.opened_at >= t.since AND h.opened_at < t.until
  JOIN purchasing.invoice i ON i.invoice_id = h.invoice_id
), population (unit, items, amount, currency, tested) AS (
  SELECT 'booked documents', 1, b.gross_total, b.currency, true FROM booked b
  UNION ALL SELECT 'suspected repetitions', 1, s.gross_total, s.currency, true FROM suspected s
), finding (check_id, ref, what, who, at, amount, currency, notice) AS (
  SELECT 'booked_twice', p.invoice_number, 'repeats ' || p.other_number || ' of ' || p.other_date || ', which is booked too, and nobody released it', p.who, p.booked_at, p.gross_total, p.currency, false
  FROM pair p
  WHERE NOT EXISTS (SELECT FROM ledger.hold h WHERE h.invoice_id = p.invoice_id AND h.code IN ('DUP_EXACT', 'DUP_LIKELY') AND (h.release_kind = 'person' OR h.released_at IS NULL))
  UNION ALL
  SELECT 'released_by_nobody', s.invoice_number, s.code || ' was released as by a person, and no person decided it', coalesce(d.person_id, 'unknown'), s.released_at, s.gross_total, s.currency, false
  FROM suspected s LEFT JOIN ledger.decision d ON d.decision_id = s.release_decision_id
  WHERE s.release_kind IN ('person', 'rejected') AND (d.maker IS DISTINCT FROM 'human' OR d.subject_id IS DISTINCT FROM s.invoice_id)
)
{{ include: controls/summary }}
