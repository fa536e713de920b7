-- Whose document a case is about, to find what was decided for the same supplier before; and up to which journal entry its
-- hand-over has seen the books: what was booked since on its order lines changes the entries that it shows.
ALTER TABLE review.case
  ADD COLUMN supplier_id text GENERATED ALWAYS AS (handover #>> '{supplier,id}') STORED,
  ADD COLUMN as_of_entry bigint;
CREATE INDEX case_by_supplier ON review.case (supplier_id, case_id DESC) WHERE supplier_id IS NOT NULL;
CREATE INDEX case_seen_up_to ON review.case (as_of_entry) WHERE state IN ('open', 'half_decided');

-- Which order lines of a supplier are about an item, or at a price: asked for each line that people look at.
CREATE INDEX order_line_by_item ON purchasing.order_line (supplier_id, item);
CREATE INDEX order_line_by_price ON purchasing.order_line (supplier_id, unit_price);
