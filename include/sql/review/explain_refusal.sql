-- Question: why may this person not decide this case now? Answered for display; review.decide_case is what enforces it.
-- Grain: one row; why_not is null when the person may.
SELECT CASE
         WHEN c.state NOT IN ('open', 'half_decided')
           THEN format('The case is %%s; there is nothing left to decide.', replace(c.state, '_', ' '))
         WHEN NOT mine.in_role
           THEN 'This needs the role that is named with the case, and you do not have it.'
         WHEN NOT mine.within_limit
           THEN format('The amount is above your limit of %%s %%s.', mine.highest, mine.currency)
         WHEN c.subject_kind = 'invoice' AND EXISTS (
                SELECT FROM purchasing.invoice_line l
                  JOIN purchasing.order_line o USING (order_line_id)
                  JOIN review.identity d ON d.system = 'erp' AND d.user_id = o.created_by
                 WHERE l.invoice_id = c.subject_id AND d.person_id = %(person_id)s)
           THEN 'You created the order of this invoice; somebody else has to decide.'
         WHEN c.state = 'half_decided' AND first.person_id = %(person_id)s
           THEN 'You gave the first of two answers; another person must give the second.'
       END AS why_not
  FROM review.case c
  JOIN ops.entity e USING (entity)
 CROSS JOIN LATERAL (
       SELECT count(*) > 0 AS in_role,
              coalesce(bool_or(c.amount IS NULL OR (u.amount_limit >= c.amount AND u.currency = e.ledger_currency)), false)
                AS within_limit,
              max(u.amount_limit) AS highest, max(u.currency) AS currency
         FROM review.authority u
        WHERE u.person_id = %(person_id)s AND u.role = c.role
          AND u.process IN ('*', c.process) AND u.entity IN ('*', c.entity)
          AND CURRENT_DATE BETWEEN u.effective_from AND coalesce(u.effective_to, 'infinity')) mine
  LEFT JOIN LATERAL (
       SELECT a.person_id FROM review.answer a
        WHERE a.case_id = c.case_id AND NOT a.final ORDER BY a.answer_id DESC LIMIT 1) first ON true
 WHERE c.case_id = %(case_id)s
