-- Who ends the measuring of persons says why, and the same request again is the same act.
ALTER TABLE review.person_measure ADD COLUMN end_key text UNIQUE, ADD COLUMN end_reason text;
