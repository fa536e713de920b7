-- What each booked line of a document stands for in GR/IR: order line and signed quantity in order units. Without an order
-- line it stands in unmatched purchases, until its order line or a unit factor is known. A reversal removes its rows.
CREATE TABLE ledger.booked_line (
  invoice_id bigint NOT NULL, invoice_line_id bigint NOT NULL, order_line_id bigint, quantity numeric NOT NULL,
  PRIMARY KEY (invoice_id, invoice_line_id)
);
CREATE INDEX booked_line_unmatched ON ledger.booked_line (invoice_line_id) WHERE order_line_id IS NULL;

-- What was booked before: a line without an order line of its own, or whose amount its entry has in unmatched purchases.
INSERT INTO ledger.booked_line (invoice_id, invoice_line_id, order_line_id, quantity)
WITH line AS (
  SELECT e.entry_id, i.invoice_id, l.invoice_line_id, l.order_line_id, s.sign * round(l.net_amount, 2) AS net, o.amount_based,
         s.sign * round(CASE WHEN l.uom = o.uom THEN l.quantity
                             ELSE l.quantity * coalesce(f.numerator, g.numerator) / coalesce(f.denominator, g.denominator) END, 12) AS quantity,
         row_number() OVER (PARTITION BY e.entry_id, round(l.net_amount, 2)
           ORDER BY EXISTS (SELECT FROM ledger.journal_line j WHERE j.entry_id = e.entry_id AND j.order_line_id = l.order_line_id), l.position) AS place
  FROM ledger.invoice_status st JOIN purchasing.invoice i ON i.invoice_id = st.invoice_id
  CROSS JOIN LATERAL (SELECT CASE i.kind WHEN 'credit_note' THEN -1 ELSE 1 END AS sign) s
  JOIN purchasing.invoice_line l ON l.invoice_id = st.invoice_id
  LEFT JOIN ledger.journal_entry e ON e.invoice_id = st.invoice_id AND e.event IN ('invoice', 'credit_note')
  LEFT JOIN purchasing.order_line o ON o.order_line_id = l.order_line_id
  LEFT JOIN purchasing.uom_factor f ON f.from_uom = l.uom AND f.to_uom = o.uom AND f.item = o.item
  LEFT JOIN purchasing.uom_factor g ON g.from_uom = l.uom AND g.to_uom = o.uom AND g.item = '*'
  WHERE st.booking_no IS NOT NULL AND st.state <> 'rejected'
), unmatched AS (
  SELECT j.entry_id, j.debit - j.credit AS net, count(*) AS lines FROM ledger.journal_line j WHERE j.purpose = 'billed without an order line' GROUP BY 1, 2
)
SELECT l.invoice_id, l.invoice_line_id, k.order_line_id, CASE WHEN k.order_line_id IS NULL OR l.amount_based THEN 0 ELSE l.quantity END
FROM line l LEFT JOIN unmatched u ON u.entry_id = l.entry_id AND u.net = l.net
CROSS JOIN LATERAL (SELECT CASE WHEN l.place > coalesce(u.lines, 0) AND (l.amount_based OR l.quantity IS NOT NULL) THEN l.order_line_id END AS order_line_id) k;

-- Blocked invoices are looked at in every posting; paid history is not.
CREATE INDEX invoice_blocked ON ledger.invoice_status (invoice_id) WHERE payment_block;
-- What was free and never proposed is blocked: the next posting frees and proposes it, or says why not.
UPDATE ledger.invoice_status st SET payment_block = true
WHERE st.booking_no IS NOT NULL AND NOT st.payment_block AND st.state <> 'rejected'
  AND NOT EXISTS (SELECT FROM ledger.payment_proposal p WHERE p.invoice_id = st.invoice_id AND p.state = 'proposed');

-- A run checks what its own loads brought.
CREATE INDEX invoice_by_load ON purchasing.invoice (load_id);
CREATE INDEX receipt_by_load ON purchasing.receipt_line (load_id);

-- Invoices that may be free for payment, of one posting.
CREATE UNLOGGED TABLE ledger.work_payment (
  invoice_id bigint NOT NULL PRIMARY KEY, decision_id bigint NOT NULL, blocked boolean NOT NULL, covered boolean NOT NULL DEFAULT true
);
