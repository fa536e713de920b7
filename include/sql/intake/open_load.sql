-- Question: under which load id is this source's dataset staged in this run, and from when on is the source asked?
-- Grain: one row.
SELECT load_id, window_from FROM intake.open_load(%s, %s, %s, %s, %s, %s, %s)
