-- Forgets what an earlier gate of this load found and takes the load back from acceptance until this gate has ended.
-- No result.
SELECT intake.begin_gate(%(load_id)s)
