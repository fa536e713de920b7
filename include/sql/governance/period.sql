-- The period as days, and as moments from its first midnight up to the one after it, in UTC.
period AS MATERIALIZED (
  SELECT given.first_day, given.last_day, given.first_day::timestamp AT TIME ZONE 'UTC' AS since, (given.last_day + 1)::timestamp AT TIME ZONE 'UTC' AS until
  FROM (SELECT %(first_day)s::date AS first_day, %(last_day)s::date AS last_day) AS given
)
