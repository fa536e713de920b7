-- How many records wait for their checkpoint, for how many seconds the oldest does, and is the sealer there? One row.
SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(w.since)), 0)::float8, audit.sealer_is_there() FROM audit.waiting w
