-- True when b is a with exactly one pair of neighbouring characters swapped.
CREATE OR REPLACE FUNCTION purchasing.is_neighbour_swap(a text, b text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN a <> b AND length(a) = length(b) AND EXISTS (
  SELECT FROM generate_series(1, length(a) - 1) AS p
  WHERE overlay(a PLACING substr(a, p + 1, 1) || substr(a, p, 1) FROM p FOR 2) = b);

DO $$
BEGIN
  IF to_regprocedure('purchasing.least_common_multiple(numeric)') IS NULL THEN
    CREATE AGGREGATE purchasing.least_common_multiple(numeric) (sfunc = pg_catalog.lcm, stype = numeric, initcond = '1', parallel = safe, combinefunc = pg_catalog.lcm);
  END IF;
END $$;

-- What was received on an order line follows its receipts. They are never changed or deleted; one that came before its
-- order finds its order line later, once.
CREATE OR REPLACE FUNCTION purchasing.add_up_receipts() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE purchasing.order_line o SET receipts = o.receipts + r.receipts, unknown_receipts = o.unknown_receipts + r.unknown_receipts,
    received_quantity = o.received_quantity + r.quantity, received_value = o.received_value + r.value
  FROM (SELECT n.order_line_id, count(*) AS receipts, count(*) FILTER (WHERE NOT n.value_known) AS unknown_receipts,
               sum(n.quantity) AS quantity, coalesce(sum(n.received_value), 0) AS value
        FROM placed n WHERE n.order_line_id IS NOT NULL GROUP BY n.order_line_id) r
  WHERE o.order_line_id = r.order_line_id;
  RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION purchasing.keep_receipt() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF OLD.order_line_id IS NOT NULL OR (NEW.quantity, NEW.received_value, NEW.value_known) IS DISTINCT FROM (OLD.quantity, OLD.received_value, OLD.value_known) THEN
    RAISE EXCEPTION 'receipt %/% keeps its order line, quantity and value; a correction is a reversal', OLD.receipt_number, OLD.receipt_line USING ERRCODE = 'BO403';
  END IF;
  RETURN NEW;
END $$;
DROP TRIGGER IF EXISTS keep_receipt ON purchasing.receipt_line;
CREATE TRIGGER keep_receipt BEFORE UPDATE ON purchasing.receipt_line FOR EACH ROW EXECUTE FUNCTION purchasing.keep_receipt();
ALTER TABLE purchasing.receipt_line ENABLE ALWAYS TRIGGER keep_receipt;
DROP TRIGGER IF EXISTS add_up_new ON purchasing.receipt_line;
CREATE TRIGGER add_up_new AFTER INSERT ON purchasing.receipt_line REFERENCING NEW TABLE AS placed FOR EACH STATEMENT EXECUTE FUNCTION purchasing.add_up_receipts();
ALTER TABLE purchasing.receipt_line ENABLE ALWAYS TRIGGER add_up_new;
DROP TRIGGER IF EXISTS add_up_resolved ON purchasing.receipt_line;
CREATE TRIGGER add_up_resolved AFTER UPDATE ON purchasing.receipt_line REFERENCING NEW TABLE AS placed FOR EACH STATEMENT EXECUTE FUNCTION purchasing.add_up_receipts();
ALTER TABLE purchasing.receipt_line ENABLE ALWAYS TRIGGER add_up_resolved;
