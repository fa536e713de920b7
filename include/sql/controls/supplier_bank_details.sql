-- Question: which bank details of suppliers changed, and is anything proposed for payment to an account that is new or is not the supplier's?
-- Population: versions of suppliers accepted in the period; standing payment proposals made in it.
WITH {{ include: governance/period }},
version AS (
  SELECT v.business_key AS supplier_id, v.version_no, v.accepted_at, v.load_id, v.content ->> 'iban' AS iban, v.content ->> 'name' AS name,
         lag(v.content ->> 'iban') OVER (PARTITION BY v.business_key ORDER BY v.version_no) AS before
  FROM purchasing.master_version v WHERE v.kind = 'supplier'
), taken AS MATERIALIZED (
  SELECT v.* FROM version v JOIN period t ON v.accepted_at >= t.since AND v.accepted_at < t.until
), proposed AS MATERIALIZED (
  SELECT p.proposal_id, p.amount, p.currency, p.proposed_at, i.invoice_number, i.supplier_id, replace(i.payee_iban, ' ', '') AS payee_iban, replace(s.iban, ' ', '') AS iban, s.supplier_id IS NULL AS unknown
  FROM period t JOIN ledger.payment_proposal p ON p.state = 'proposed' AND p.proposed_at < t.until JOIN purchasing.invoice i ON i.invoice_id = p.invoice_id LEFT JOIN purchasing.supplier s ON s.supplier_id = i.supplier_id
), population (unit, items, amount, currency, tested) AS (
  SELECT 'supplier versions', 1, NULL::numeric, NULL::text, true FROM taken v
  UNION ALL SELECT 'standing payment proposals', 1, p.amount, p.currency, NOT p.unknown FROM proposed p
), finding (check_id, ref, what, who, at, amount, currency, notice) AS (
  SELECT CASE WHEN p.n > 0 THEN 'paid_to_new_account' ELSE 'account_changed' END, 'supplier ' || v.supplier_id, 'bank account changed from ' || coalesce(v.before, 'none') || ' to ' || coalesce(v.iban, 'none')
           || CASE WHEN p.n > 0 THEN '; ' || p.n || ' payments are proposed to it' ELSE '' END, 'source, load ' || v.load_id, v.accepted_at, p.amount, p.currency, p.n = 0
  FROM taken v CROSS JOIN LATERAL (SELECT count(*) AS n, sum(x.amount) AS amount, min(x.currency) AS currency FROM proposed x WHERE x.supplier_id = v.supplier_id) p
  WHERE v.version_no > 1 AND v.iban IS DISTINCT FROM v.before
  UNION ALL
  SELECT 'other_account', p.invoice_number, 'the invoice asks for payment to ' || p.payee_iban || ', supplier ' || p.supplier_id || ' has ' || coalesce(p.iban, 'none'), 'supplier', p.proposed_at, p.amount, p.currency, false
  FROM proposed p WHERE p.payee_iban IS NOT NULL AND p.payee_iban IS DISTINCT FROM p.iban AND NOT p.unknown
  UNION ALL
  SELECT 'unknown_supplier', p.invoice_number, 'proposed for payment to a supplier who is not on record', 'supplier', p.proposed_at, p.amount, p.currency, false FROM proposed p WHERE p.unknown
)
{{ include: controls/summary }}
