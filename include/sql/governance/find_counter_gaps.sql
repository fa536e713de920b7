-- Which subjects do not count their records 1, 2, 3 ... in the order of writing? One row per subject: its first record whose number
-- is not its place. Only subjects with a record after a record id are looked at.
SELECT DISTINCT ON (c.subject) c.subject, c.n, c.record_id, c.place
FROM (
  SELECT r.subject, r.n, r.record_id, row_number() OVER (PARTITION BY r.subject ORDER BY r.record_id) AS place FROM audit.record r
  WHERE %(after)s = 0 OR r.subject IN (SELECT x.subject FROM audit.record x WHERE x.record_id > %(after)s)
) c WHERE c.n <> c.place ORDER BY c.subject, c.place LIMIT 1000
