-- Question: what was proposed about the log itself, by whom, and what became of it?
-- Grain: one row per proposal, the latest first; all of them, or the one asked for.
SELECT p.proposal_id, p.act,
       p.abandoned_size || ':' || left(encode(p.abandoned_root, 'hex'), 16) AS abandoned,
       CASE WHEN p.act = 'restore' THEN coalesce(p.continued_size || ':' || left(encode(p.continued_root, 'hex'), 16), 'the beginning') END AS continued,
       p.key_line AS key, p.reason, n.name AS proposed_by, p.proposed_at, encode(p.digest, 'hex') AS digest,
       m.name AS confirmed_by, c.confirmed_at, c.reason AS confirmed_reason, audit.why_no_confirmation(p) AS hindrance
  FROM audit.log_proposal p
  JOIN review.person n ON n.person_id = p.person_id
  LEFT JOIN audit.log_confirmation c ON c.proposal_id = p.proposal_id
  LEFT JOIN review.person m ON m.person_id = c.person_id
 WHERE %(proposal_id)s::bigint IS NULL OR p.proposal_id = %(proposal_id)s
 ORDER BY p.proposal_id DESC
 LIMIT 200
