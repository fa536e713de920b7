-- The working set of matching is made by the routines that fill it (routines/40_match_tables.sql).
DROP TABLE ledger.work_scope, ledger.work_invoice, ledger.work_tolerance, ledger.work_order_line, ledger.work_line, ledger.work_verdict,
  ledger.work_hold, ledger.work_waiting_line;

-- One hash under which every number that may repeat another of its supplier group and kind stands: the same, confusable or with
-- two characters swapped. Who is found by it is compared in full (find_duplicates).
DROP INDEX purchasing.invoice_by_confusable, purchasing.invoice_by_letters;
ALTER TABLE purchasing.invoice DROP COLUMN letters_key, DROP COLUMN confusable_key,
  -- letters and digits that are easily confused made one, then no leading zeros
  ADD COLUMN confusable_key text COLLATE "C" GENERATED ALWAYS AS
    (ltrim(translate(regexp_replace(upper(invoice_number), '[^[:alnum:]]', '', 'g'), 'OIL', '011'), '0')) STORED,
  ADD COLUMN similar_number bigint GENERATED ALWAYS AS (hashtextextended(kind || '|' || supplier_group || '|' ||
    purchasing.sorted_letters(replace(translate(regexp_replace(upper(invoice_number), '[^[:alnum:]]', '', 'g'), 'OIL', '011'), '0', '')), 0)) STORED;
CREATE INDEX invoice_by_similar_number ON purchasing.invoice (similar_number);

-- Derived rows, written for documents and codes that were just read in the same statement: nothing that a check per row would find.
ALTER TABLE ledger.invoice_status DROP CONSTRAINT invoice_status_invoice_id_fkey;
ALTER TABLE ledger.hold DROP CONSTRAINT hold_invoice_id_fkey, DROP CONSTRAINT hold_code_fkey;

-- What was received on an order line, net of returns and reversals, kept by a trigger on receipt_line: a night reads what it
-- touches and adds up no history. Quantities in order units, value in the order's currency.
ALTER TABLE purchasing.order_line
  ADD COLUMN receipts bigint NOT NULL DEFAULT 0, ADD COLUMN unknown_receipts bigint NOT NULL DEFAULT 0,
  ADD COLUMN received_quantity numeric NOT NULL DEFAULT 0, ADD COLUMN received_value numeric NOT NULL DEFAULT 0;
UPDATE purchasing.order_line o SET receipts = r.receipts, unknown_receipts = r.unknown_receipts, received_quantity = r.quantity, received_value = r.value
FROM (SELECT order_line_id, count(*) AS receipts, count(*) FILTER (WHERE NOT value_known) AS unknown_receipts, sum(quantity) AS quantity,
             coalesce(sum(received_value), 0) AS value FROM purchasing.receipt_line WHERE order_line_id IS NOT NULL GROUP BY order_line_id) r
WHERE r.order_line_id = o.order_line_id;

-- Which receipt covers how much of which invoice line, in order units: three-way order lines with quantities. Derived like a
-- verdict: whatever touches an order line allocates it anew.
CREATE TABLE ledger.receipt_allocation (
  invoice_line_id bigint NOT NULL, receipt_line_id bigint NOT NULL, order_line_id bigint NOT NULL, quantity numeric NOT NULL CHECK (quantity > 0),
  PRIMARY KEY (invoice_line_id, receipt_line_id)
);
CREATE INDEX receipt_allocation_by_order_line ON ledger.receipt_allocation (order_line_id);
ALTER TABLE ledger.line_state DROP COLUMN matched_quantity, DROP COLUMN billed_before, DROP COLUMN received;
