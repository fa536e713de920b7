-- Question: what would a text be as a proposal of this person? The ledger itself checks it as proposing would, and refuses with a BO code.
-- Grain: one row.
SELECT review.try_policy(%(system)s, %(user_id)s, %(content)s, %(effective_from)s, %(impact)s) AS answer
