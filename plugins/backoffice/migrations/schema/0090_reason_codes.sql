-- Which reasons an answer may give: data of the user's after the first install. A reason that fits one of the case's holds is offered first;
-- fits is a list of hold codes, separated by bars. A reason that nobody should give any more is set to not offered.
CREATE TABLE review.reason_code (
  subject_kind text NOT NULL CHECK (subject_kind IN ('invoice', 'quarantine')),
  action text NOT NULL CHECK (action IN ('accept', 'reject', 'ask_again', 'read_again', 'discard')),
  code text NOT NULL CHECK (code ~ '^[a-z][a-z0-9_]{1,60}$'), place integer NOT NULL, fits text, offered boolean NOT NULL DEFAULT true,
  PRIMARY KEY (subject_kind, action, code)
);
