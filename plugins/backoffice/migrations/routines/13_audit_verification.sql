-- What came of a verification of the log. One that failed is an alert in the log itself, in the same transaction.
DROP TRIGGER IF EXISTS append_only ON audit.verification;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.verification FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
ALTER TABLE audit.verification ENABLE ALWAYS TRIGGER append_only;

-- Each names the checkpoint that it ended at, and that one is in the log: who calls this does not make it up. Of nothing at all only an
-- unsealed log is verified. A failed one may have ended at what the log does not hold: that is what failed.
CREATE OR REPLACE FUNCTION audit.record_verification(extent_in text, records_in bigint, size_in bigint, root_in bytea, failed_in text[], left_out_in text[], detail_in text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF failed_in = '{}' AND (size_in > 0 OR EXISTS (SELECT FROM audit.seal)) AND NOT EXISTS (SELECT FROM audit.seal s WHERE s.size = size_in AND s.root = root_in) THEN
    RAISE EXCEPTION 'no checkpoint covers % records with root %; a good verification ends at one', size_in, coalesce(encode(root_in, 'hex'), 'none') USING ERRCODE = 'BO409';
  END IF;
  INSERT INTO audit.verification (extent, records, size, root, failed, left_out) VALUES (extent_in, records_in, size_in, root_in, failed_in, left_out_in);
  IF failed_in <> '{}' THEN
    PERFORM audit.raise_alert(CASE failed_in WHEN '{fresh}' THEN 'no seal came' ELSE 'verification failed' END, detail_in);
  END IF;
END $$;

CREATE OR REPLACE VIEW audit.latest_verification AS
SELECT v.* FROM audit.verification v ORDER BY v.verification_id DESC LIMIT 1;
