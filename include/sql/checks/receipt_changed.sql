-- Rows whose receipt line is on record, or in this load, with other content.
conflicts_with_accepted
