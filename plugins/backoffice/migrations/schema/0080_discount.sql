-- Who ends the measuring of persons says why, and the same request again is the same act.
ALTER TABLE review.person_measure ADD COLUMN end_key text UNIQUE, ADD COLUMN end_reason text;

-- Until when a discount is given for paying early, and how much.
ALTER TABLE intake.stage_invoice ADD COLUMN discount_date date, ADD COLUMN discount_percent numeric(7,4);
ALTER TABLE purchasing.invoice ADD COLUMN discount_date date, ADD COLUMN discount_percent numeric(7,4);
ALTER TABLE review.case ADD COLUMN discount_date date, ADD COLUMN discount_percent numeric(7,4);

-- Which version of case_priority gave a case its priority: another one looks at it again.
ALTER TABLE review.case ADD COLUMN prioritised_by integer;
DROP INDEX review.case_prioritised;
CREATE INDEX case_prioritised ON review.case (process, entity, prioritised_on, prioritised_by) WHERE state IN ('open', 'half_decided');
