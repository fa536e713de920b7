-- A leaf is made by the trigger leaf_is_hash_of_body (routines/05_audit.sql), once; a check that hashes each body a second time costs
-- a tenth of recording decisions.
ALTER TABLE audit.record DROP CONSTRAINT leaf_is_hash_of_body;
DROP TRIGGER IF EXISTS never_empty ON audit.record;
DROP FUNCTION IF EXISTS audit.refuse_empty();
