-- Lets the load go on to acceptance, with what was found.
-- No result.
SELECT intake.mark_gated(%(load_id)s, %(gate)s)
