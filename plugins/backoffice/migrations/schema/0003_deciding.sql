-- What a person may release, and how many persons must agree. Nothing ever read auto_release: facts release every hold.
ALTER TABLE ledger.hold_code DROP COLUMN auto_release;
ALTER TABLE ledger.hold_code ADD COLUMN persons smallint NOT NULL DEFAULT 1 CHECK (persons IN (1, 2));
-- For codes that stand for several reasons: a hold may be released by people if each of its reasons is of this form.
ALTER TABLE ledger.hold_code ADD COLUMN releasable_reasons text;
