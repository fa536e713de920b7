-- Question: is something to be done with the open cases of a process: a claim, a wait or a level of a chain that is due, or a case whose
-- priority was last looked at on another business day, or by another version of its policy?
-- Grain: one row.
SELECT EXISTS (SELECT FROM review.case_due d WHERE d.process = %(process)s)
    OR EXISTS (SELECT FROM (SELECT x.entity, ops.business_date(x.entity) AS today, p.version
                              FROM ops.entity x JOIN ledger.active_policy p ON p.policy_id = %(policy)s OFFSET 0) e
                 JOIN review.case c ON c.entity = e.entity AND c.process = %(process)s AND c.state IN ('open', 'half_decided')
                WHERE c.prioritised_on IS NULL OR c.prioritised_on < e.today OR c.prioritised_on > e.today
                   OR c.prioritised_on = e.today AND (c.prioritised_by IS NULL OR c.prioritised_by < e.version OR c.prioritised_by > e.version))
