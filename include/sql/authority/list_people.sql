-- Question: who are the people, how do they log in, who is away, and who stands in for whom today?
-- Grain: one row per person that is asked for.
SELECT p.person_id, p.name, CASE WHEN %(sees_all)s OR p.person_id = %(person_id)s THEN p.email END AS email, p.active,
       (SELECT coalesce(jsonb_agg(jsonb_build_object('system', i.system, 'user_id', i.user_id) ORDER BY i.system, i.user_id), '[]')
          FROM review.identity i WHERE i.person_id = p.person_id) AS identities,
       (SELECT coalesce(jsonb_agg(jsonb_build_object('from_day', a.from_day, 'to_day', a.to_day) ORDER BY a.from_day), '[]')
          FROM review.absence a WHERE a.person_id = p.person_id AND a.to_day >= audit.today()) AS absences,
       ARRAY(SELECT review.acting_for(p.person_id, audit.today())) AS acts_for
  FROM review.person p
 WHERE %(sees_all)s OR p.person_id = %(person_id)s
 ORDER BY p.active DESC, p.name, p.person_id
