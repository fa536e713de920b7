-- Question: who stands in the documents of this case as buyer, requester and receiver?
-- Grain: one row per part that names a person we know: the first by position of the line, as a question to that part finds them.
SELECT DISTINCT ON (named.part) named.part, p.person_id, p.name
  FROM review.case c
  JOIN purchasing.invoice_line l ON c.subject_kind = 'invoice' AND l.invoice_id = c.subject_id
  CROSS JOIN LATERAL (
    SELECT 'buyer' AS part, o.buyer AS user_id FROM purchasing.order_line o WHERE o.order_line_id = l.order_line_id
    UNION ALL
    SELECT 'requester', o.requester FROM purchasing.order_line o WHERE o.order_line_id = l.order_line_id
    UNION ALL
    SELECT 'receiver', r.receiver FROM purchasing.receipt_line r WHERE r.order_line_id = l.order_line_id) named
  JOIN review.identity d ON d.system = 'erp' AND d.user_id = named.user_id
  JOIN review.person p ON p.person_id = d.person_id AND p.active
 WHERE c.case_id = %(case_id)s AND review.may_read(%(person_id)s, c.process, c.entity)
 ORDER BY named.part, l.position, p.person_id
