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
