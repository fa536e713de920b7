-- Question: what does this batch hold, after the entry that was shown last, and what became of each entry?
-- Grain: one row per entry; none when the case is no batch or this person may not see it.
SELECT x.item_no, x.name, x.amount, x.currency, x.state, coalesce(s.name, i.seller_name) AS supplier, i.kind, i.invoice_date, i.due_date,
       encode(x.evidence_hash, 'hex') AS evidence_hash, review.name_of(a.person_id) AS taken_out_by, a.reason AS taken_out_because,
       (SELECT max(k.case_id) FROM review.case k WHERE k.process = c.process AND k.subject_kind = 'invoice' AND k.subject_id = x.subject_id AND x.settled_run IS NOT NULL) AS own_case
  FROM review.case c
  JOIN review.batch_item x ON x.batch_id = c.subject_id
  LEFT JOIN purchasing.invoice i ON x.item_kind = 'posting' AND i.invoice_id = x.subject_id
  LEFT JOIN purchasing.supplier s ON s.supplier_id = i.supplier_id
  LEFT JOIN review.case_act a ON a.act_id = x.taken_out_by
 WHERE c.case_id = %(case_id)s AND c.subject_kind = 'batch_signoff' AND review.may_read(%(person_id)s, c.process, c.entity)
   AND x.item_no > %(after)s
 ORDER BY x.item_no
 LIMIT %(most)s
