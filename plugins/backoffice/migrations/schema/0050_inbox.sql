-- What the inbox sorts, filters and searches by.
-- When the case is due: its own time, else the document's day, else never.
ALTER TABLE review.case ADD COLUMN inbox_due timestamp NOT NULL
  GENERATED ALWAYS AS (coalesce(due_at AT TIME ZONE 'UTC', due_date::timestamp, 'infinity')) STORED;
-- What a search looks through, in small letters.
ALTER TABLE review.case ADD COLUMN inbox_text text NOT NULL GENERATED ALWAYS AS (lower(
  title || ' ' || subject_key || ' ' || coalesce(handover #>> '{supplier,name}', '') || ' ' || coalesce(handover #>> '{supplier,id}', '') || ' ' ||
  coalesce(handover #>> '{document,number}', '') || ' ' || coalesce(handover #>> '{document,po_number}', '') || ' ' ||
  coalesce(handover #>> '{document,filename}', ''))) STORED;

-- One index per order of the list, of what waits for people; everything else is looked at rarely.
CREATE INDEX waiting_by_due ON review.case (inbox_due, case_id) WHERE state IN ('open', 'half_decided');
CREATE INDEX waiting_by_amount ON review.case (coalesce(amount, -1), case_id) WHERE state IN ('open', 'half_decided');
CREATE INDEX waiting_by_age ON review.case (opened_at, case_id) WHERE state IN ('open', 'half_decided');
CREATE INDEX waiting_by_priority ON review.case (priority, inbox_due, case_id) WHERE state IN ('open', 'half_decided');
-- the counts come from this index alone
CREATE INDEX waiting_by_queue ON review.case (role, process, entity, candidate_person, claimed_by) WHERE state IN ('open', 'half_decided');
CREATE INDEX waiting_of_person ON review.case (candidate_person, inbox_due) WHERE state IN ('open', 'half_decided');
CREATE INDEX case_by_due ON review.case (inbox_due, case_id);
CREATE INDEX case_by_company ON review.case (process, entity);
CREATE INDEX item_by_code ON review.case_item (code, case_id) WHERE settled_at IS NULL;
CREATE INDEX answer_by_person ON review.answer (person_id, answer_id);

-- Words anywhere in a text are found by their trigrams. A server that does not offer these still finds them, by reading every case.
-- The extension's functions are open to everybody where they stand, so they stand where nobody may look anything up; an index needs no
-- right to them.
CREATE SCHEMA trigrams;
DO $$
BEGIN
  CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA trigrams;
EXCEPTION WHEN insufficient_privilege OR undefined_file OR feature_not_supported THEN
  RAISE WARNING USING MESSAGE = 'pg_trgm is not available (' || SQLERRM || '); searching in the inbox stays slow with many cases';
END $$;
DO $$
DECLARE place text;
BEGIN
  SELECT quote_ident(n.nspname) INTO place FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm';
  IF place IS NOT NULL THEN
    EXECUTE 'CREATE INDEX case_by_words ON review.case USING gin (inbox_text ' || place || '.gin_trgm_ops)';
  END IF;
END $$;
