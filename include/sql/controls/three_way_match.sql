-- Question: was every booked invoice line ordered and received within the limits in force, or released by a person, before it was
-- free for payment? Computed from orders, receipts and invoices, apart from the matching and from what it wrote.
-- Population: lines of invoices whose entry was posted in the period, at their net amount.
WITH {{ include: governance/period }}, {{ include: governance/setting_records }},
booked AS MATERIALIZED (
  SELECT l.invoice_line_id, l.invoice_id, i.invoice_number, l.line_id, i.currency, l.net_amount, l.order_line_id, e.booked_at, coalesce(e.person_id, 'machine, ' || d.authority) AS who,
         st.booking_no, st.state IS DISTINCT FROM 'rejected' AND (st.payment_block IS NOT TRUE OR p.state = 'proposed') AS free,
         CASE WHEN p.state = 'proposed' THEN p.proposed_at ELSE e.booked_at END AS freed_at, coalesce(r.business_date, e.posting_date) AS freed_on,
         EXISTS (SELECT FROM ledger.match_queue q WHERE q.invoice_id = l.invoice_id AND q.queued_at > now() - interval '1 day') AS compared_anew
  FROM period t JOIN ledger.journal_entry e ON e.event = 'invoice' AND e.posting_date BETWEEN t.first_day AND t.last_day
  JOIN purchasing.invoice i ON i.invoice_id = e.invoice_id JOIN purchasing.invoice_line l ON l.invoice_id = i.invoice_id
  LEFT JOIN ledger.invoice_status st ON st.invoice_id = i.invoice_id
  LEFT JOIN ledger.payment_proposal p ON p.invoice_id = i.invoice_id AND p.state = 'proposed' LEFT JOIN ops.run r ON r.run_id = p.run_id
  LEFT JOIN ledger.decision d ON d.decision_id = e.decision_id
), touched AS MATERIALIZED (
  SELECT o.order_line_id, o.match_type, o.gr_based, o.amount_based, o.quantity, o.unit_price, o.price_base_quantity, o.uom, o.item, o.approved, o.entity, o.supplier_id, o.category, o.po_number, o.po_line_key,
         coalesce(r.quantity, 0) AS received, coalesce(r.value, 0) AS received_value, coalesce(r.unknown, 0) AS unknown_receipts
  FROM (SELECT DISTINCT b.order_line_id FROM booked b WHERE b.order_line_id IS NOT NULL) k JOIN purchasing.order_line o ON o.order_line_id = k.order_line_id
  LEFT JOIN (SELECT x.order_line_id, sum(x.quantity) AS quantity, sum(x.received_value) AS value, count(*) FILTER (WHERE NOT x.value_known) AS unknown
             FROM purchasing.receipt_line x GROUP BY x.order_line_id) r ON r.order_line_id = k.order_line_id
), billed AS MATERIALIZED (
  SELECT x.invoice_line_id, x.invoice_id, x.order_line_id, coalesce(s.booking_no, 9223372036854775807) AS booking_no, i.kind = 'credit_note' AS is_credit, x.net_amount,
         CASE WHEN x.uom = t.uom THEN x.quantity ELSE x.quantity * coalesce(f.numerator, g.numerator) / coalesce(f.denominator, g.denominator) END AS quantity
  FROM touched t JOIN purchasing.invoice_line x ON x.order_line_id = t.order_line_id JOIN purchasing.invoice i ON i.invoice_id = x.invoice_id
  LEFT JOIN ledger.invoice_status s ON s.invoice_id = x.invoice_id
  LEFT JOIN purchasing.uom_factor f ON f.from_uom = x.uom AND f.to_uom = t.uom AND f.item = t.item
  LEFT JOIN purchasing.uom_factor g ON g.from_uom = x.uom AND g.to_uom = t.uom AND g.item = '*'
  WHERE s.state IS DISTINCT FROM 'rejected' AND (s.booking_no IS NOT NULL OR x.invoice_id IN (SELECT b.invoice_id FROM booked b WHERE b.booking_no IS NULL))
), running AS (
  SELECT b.invoice_line_id, b.invoice_id, b.order_line_id, b.is_credit,
         sum(b.quantity) FILTER (WHERE NOT b.is_credit) OVER so_far - coalesce(sum(b.quantity) FILTER (WHERE b.is_credit) OVER whole, 0) AS quantity,
         sum(b.net_amount) FILTER (WHERE NOT b.is_credit) OVER so_far - coalesce(sum(b.net_amount) FILTER (WHERE b.is_credit) OVER whole, 0) AS value,
         bool_or(b.quantity IS NULL) OVER whole AS uncountable,
         sum(b.quantity) OVER document AS own_quantity, sum(b.net_amount) OVER document AS own_value
  FROM billed b
  WINDOW so_far AS (PARTITION BY b.order_line_id ORDER BY b.booking_no), whole AS (PARTITION BY b.order_line_id), document AS (PARTITION BY b.order_line_id, b.invoice_id)
), compared AS MATERIALIZED (
  SELECT b.*, t.match_type, t.gr_based, t.amount_based, t.quantity AS ordered, t.unit_price, t.price_base_quantity, t.approved, t.received, t.received_value, t.unknown_receipts,
         t.entity, t.supplier_id, t.category, t.item, t.po_number, t.po_line_key, r.quantity, r.value, r.uncountable, r.own_quantity, r.own_value, t.order_line_id IS NULL AS no_order
  FROM booked b LEFT JOIN touched t ON t.order_line_id = b.order_line_id LEFT JOIN running r ON r.invoice_line_id = b.invoice_line_id
), candidate AS (
  -- everything that exceeds its reference at all; code, by how much, of what, both over the denominator of a unit price
  SELECT c.*, x.code, x.excess, x.reference, x.denominator
  FROM compared c CROSS JOIN LATERAL (VALUES
    ('LINE_UNMATCHED', c.no_order, NULL::numeric, NULL::numeric, 1::numeric),
    ('PO_NOT_APPROVED', NOT c.approved, NULL, NULL, 1),
    ('UOM_UNMAPPED', NOT c.amount_based AND c.uncountable, NULL, NULL, 1),
    ('QTY_ORD', NOT c.amount_based AND c.quantity > c.ordered, c.quantity - c.ordered, c.ordered, 1),
    ('QTY_REC', NOT c.amount_based AND c.match_type = 3 AND c.received > 0 AND c.quantity > c.received, c.quantity - c.received, c.received, 1),
    ('NO_RECEIPT', c.match_type = 3 AND NOT c.amount_based AND c.received <= 0 AND c.quantity > 0, c.quantity * c.unit_price, 0, c.price_base_quantity),
    ('NO_RECEIPT', c.match_type = 3 AND c.amount_based AND c.unknown_receipts = 0 AND c.received_value <= 0 AND c.value > 0, c.value, 0, 1),
    ('AMT_REC', c.match_type = 3 AND c.amount_based AND (c.unknown_receipts > 0 OR c.received_value > 0) AND c.value > c.received_value, c.value - c.received_value,
      CASE WHEN c.unknown_receipts = 0 THEN c.received_value END, 1),
    ('PRICE', NOT c.amount_based AND c.own_value * c.price_base_quantity > c.own_quantity * c.unit_price, c.own_value * c.price_base_quantity - c.own_quantity * c.unit_price,
      c.own_quantity * c.unit_price, c.price_base_quantity)) AS x(code, stands, excess, reference, denominator)
  WHERE x.stands AND (c.free OR x.code = 'NO_RECEIPT' AND c.gr_based
    AND NOT EXISTS (SELECT FROM purchasing.receipt_line r JOIN intake.load l ON l.load_id = r.load_id WHERE r.order_line_id = c.order_line_id AND r.quantity > 0 AND l.accepted_at <= c.booked_at))
), tolerance_set AS (
  SELECT k.n, '-infinity'::timestamptz AS since, f.value ->> 'value' AS name FROM setting_record k, jsonb_array_elements(k.found) AS f(value) WHERE k.tab = 'ledger.setting' AND f.value ->> 'name' = 'tolerance_set'
  UNION ALL SELECT k.n, k.at, k.after ->> 'value' FROM setting_record k WHERE k.tab = 'ledger.setting' AND k.after ->> 'name' = 'tolerance_set'
), limited AS (
  SELECT c.*, l.pct, l.abs, l.lenient, l.rows
  FROM candidate c CROSS JOIN LATERAL (
    SELECT (array_agg(t.up_pct ORDER BY t.scope_rank, t.effective_from DESC, t.tolerance_id DESC) FILTER (WHERE t.up_pct IS NOT NULL))[1] AS pct,
           (array_agg(t.up_abs ORDER BY t.scope_rank, t.effective_from DESC, t.tolerance_id DESC) FILTER (WHERE t.up_abs IS NOT NULL))[1] AS abs,
           (array_agg(t.combine ORDER BY t.scope_rank, t.effective_from DESC, t.tolerance_id DESC) FILTER (WHERE t.combine IS NOT NULL))[1] IS NOT DISTINCT FROM 'lenient' AS lenient, count(*) AS rows
    FROM ledger.tolerance t
    WHERE t.tolerance_set = (SELECT s.name FROM tolerance_set s WHERE s.since <= c.freed_at ORDER BY s.n DESC LIMIT 1) AND t.code = c.code AND t.effective_from <= c.freed_on AND (t.effective_to IS NULL OR t.effective_to >= c.freed_on)
      AND (t.entity IS NULL OR t.entity = c.entity) AND (t.category IS NULL OR t.category = c.category) AND (t.supplier_id IS NULL OR t.supplier_id = c.supplier_id)
      AND (t.item IS NULL OR t.item = c.item) AND (t.po_number IS NULL OR t.po_number = c.po_number AND t.po_line_key = c.po_line_key)) l
), beyond AS (
  SELECT l.* FROM limited l
  WHERE l.excess IS NULL OR l.rows = 0 OR l.code = 'AMT_REC' AND l.reference IS NULL AND coalesce(l.pct, l.abs) IS NOT NULL
    OR CASE WHEN l.lenient AND l.pct IS NOT NULL AND l.abs IS NOT NULL THEN l.excess * 100 > l.pct * l.reference AND l.excess > l.abs * l.denominator
            -- a limit in per cent of nothing is exceeded by anything
            ELSE coalesce(l.code <> 'NO_RECEIPT' AND l.excess * 100 > l.pct * l.reference, false) OR coalesce(l.excess > l.abs * l.denominator, false) END
), population (unit, items, amount, currency, tested) AS (
  SELECT 'invoice lines', 1, b.net_amount, b.currency, true FROM booked b
), finding (check_id, ref, what, who, at, amount, currency, notice) AS (
  SELECT DISTINCT lower(b.code), b.invoice_number || ' line ' || b.line_id, CASE b.code WHEN 'LINE_UNMATCHED' THEN 'free for payment without an order line'
      WHEN 'PO_NOT_APPROVED' THEN 'free for payment, order ' || b.po_number || ' is not approved' WHEN 'UOM_UNMAPPED' THEN 'free for payment in a unit that cannot be compared with order ' || b.po_number
      WHEN 'NO_RECEIPT' THEN CASE WHEN b.free THEN 'free for payment' ELSE 'booked' END || ' without a receipt on order ' || b.po_number || '/' || b.po_line_key
      ELSE 'free for payment ' || trim_scale(round(b.excess / b.denominator, 4))::text || ' above what was ' || CASE b.code WHEN 'QTY_ORD' THEN 'ordered' WHEN 'PRICE' THEN 'agreed' ELSE 'received' END
        || ' on order ' || b.po_number || '/' || b.po_line_key END || CASE WHEN b.rows = 0 AND b.excess IS NOT NULL THEN '; no limit was in force' ELSE '' END
      || CASE WHEN b.compared_anew THEN '; its facts changed and the next run compares it again' ELSE '' END, b.who, b.booked_at, b.net_amount, b.currency, b.compared_anew
  FROM beyond b
  WHERE 'person' IS DISTINCT FROM (SELECT h.release_kind FROM ledger.hold h JOIN purchasing.invoice_line x ON x.invoice_line_id = h.invoice_line_id
    WHERE h.invoice_id = b.invoice_id AND x.order_line_id IS NOT DISTINCT FROM b.order_line_id AND h.code = b.code ORDER BY h.hold_id DESC LIMIT 1)
  UNION ALL
  SELECT DISTINCT 'booked_while_held', b.invoice_number, 'booked while ' || h.code || ' stood, which blocks posting', b.who, b.booked_at, i.gross_total, b.currency, false
  FROM (SELECT DISTINCT x.invoice_id, x.invoice_number, x.who, x.booked_at, x.currency FROM booked x) b JOIN purchasing.invoice i ON i.invoice_id = b.invoice_id
  JOIN ledger.hold h ON h.invoice_id = b.invoice_id AND h.effect = 'B' AND h.opened_at < b.booked_at AND coalesce(h.released_at, 'infinity') > b.booked_at
  UNION ALL
  SELECT DISTINCT 'booked_past_the_product', b.invoice_number, 'has an entry and is not booked by the product', b.who, b.booked_at, i.gross_total, b.currency, false
  FROM booked b JOIN purchasing.invoice i ON i.invoice_id = b.invoice_id WHERE b.booking_no IS NULL
)
{{ include: controls/summary }}
