-- Which records have neither a place in the tree nor wait for one, have two places, or wait although they have one? One row per
-- record; only those after a record id are looked at.
SELECT m.record_id, r.subject, r.n, m.places, m.waits
FROM (
  SELECT record_id, coalesce(p.places, 0) AS places, coalesce(w.waits, 0) AS waits
  FROM (SELECT record_id FROM audit.record WHERE record_id > %(after)s) x
  LEFT JOIN (SELECT record_id, count(*) AS places FROM audit.leaf WHERE record_id > %(after)s GROUP BY record_id) p USING (record_id)
  LEFT JOIN (SELECT record_id, count(*) AS waits FROM audit.waiting WHERE record_id > %(after)s GROUP BY record_id) w USING (record_id)
  WHERE coalesce(p.places, 0) + coalesce(w.waits, 0) <> 1
) m JOIN audit.record r USING (record_id) ORDER BY m.record_id LIMIT 1000
