-- :cases open cases by arithmetic, as a night opens them: two processes, two companies, four roles, 1,000 suppliers, one to three items each.
INSERT INTO ops.entity (entity, name, ledger_currency) SELECT '2000', 'Second company', 'EUR' WHERE NOT EXISTS (SELECT FROM ops.entity WHERE entity = '2000');
INSERT INTO review.case (process, subject_kind, subject_id, subject_key, role, entity, candidate_person, title, amount, currency, due_date, evidence_hash, handover, opened_at)
SELECT CASE WHEN n % 10 = 0 THEN 'payment_run' ELSE 'invoice_reconciliation' END, 'invoice', n, encode(sha256(n::text::bytea), 'hex'),
  (ARRAY['buyer', 'receiver', 'ap_clerk', 'ap_manager'])[1 + n % 4], CASE WHEN n % 5 = 0 THEN '2000' ELSE '1000' END, CASE WHEN n % 4 = 0 THEN 'p-buyer' END,
  'RE' || n || ' of Supplier ' || n % 1000 || ': PRICE', (n * 7919 % 9000000) / 100.0, 'EUR', CASE WHEN n % 20 > 0 THEN date '2026-11-01' + n % 90 END, sha256(('e' || n)::bytea),
  jsonb_build_object('supplier', jsonb_build_object('id', 'S' || n % 1000, 'name', 'Supplier ' || n % 1000 || ' GmbH'),
    'document', jsonb_build_object('kind', 'invoice', 'number', 'RE' || n, 'date', '2026-11-15', 'gross', '1234.50', 'currency', 'EUR', 'po_number', '45' || n / 3, 'filename', 'invoice-' || n || '.xml'),
    'holds', (SELECT jsonb_agg(jsonb_build_object('hold_id', h, 'code', 'PRICE', 'effect', 'P', 'title', 'Price above the order', 'line_id', '1', 'measured', '100', 'limit', '50', 'unit', 'currency',
      'facts', jsonb_build_object('net_amount', '1100', 'quantity', '100', 'order_price', '10', 'reference_amount', '1000', 'po_number', '45' || n / 3, 'currency', 'EUR'))) FROM generate_series(1, 1 + n % 3) h),
    'findings', '[]'::jsonb, 'steps', jsonb_build_array(jsonb_build_object('step', 'received', 'at', '2026-11-21T14:00:00Z', 'result', 'from mailbox')),
    'actions', jsonb_build_array(
      jsonb_build_object('action', 'accept', 'label', 'Accept', 'needs_second_person', false, 'reason_codes', jsonb_build_array('approved', 'correct_as_billed'), 'effect', 'Releases these holds.'),
      jsonb_build_object('action', 'reject', 'label', 'Reject', 'needs_second_person', false, 'reason_codes', jsonb_build_array('duplicate', 'wrong_price'), 'effect', 'The invoice is refused.'))),
  timestamptz '2026-10-01' + n * interval '40 seconds'
FROM generate_series(1, :cases) n;
INSERT INTO review.case_item (case_id, item_no, code)
SELECT c.case_id, i, (ARRAY['PRICE', 'QTY_REC', 'QTY_ORD', 'NO_RECEIPT', 'DUP_LIKELY'])[1 + (c.case_id + i) % 5] FROM review.case c CROSS JOIN LATERAL generate_series(1, 1 + (c.case_id % 3)::int) i;
UPDATE review.case_item SET code = 'TOTAL_ARITH' WHERE case_id % 20000 = 7 AND item_no = 1;
INSERT INTO review.identity (system, user_id, person_id) SELECT 'airflow', 'bench-one', 'p-buyer' WHERE EXISTS (SELECT FROM review.person WHERE person_id = 'p-buyer');
VACUUM ANALYZE review.case;
VACUUM ANALYZE review.case_item;
