-- What a search looks through is written by review.write_search_text (routines/73_case_search.sql): it reads orders and receipts too,
-- which a generated column cannot.
ALTER TABLE review.case ALTER COLUMN inbox_text DROP EXPRESSION, ALTER COLUMN inbox_text SET DEFAULT '';
