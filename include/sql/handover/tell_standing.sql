-- Question: what is booked of these invoices and not reversed, and how do their order lines stand in GR/IR with it?
-- Grain: one row per invoice that is booked.
SELECT k.invoice_id,
       (SELECT jsonb_agg(jsonb_build_object('event', e.event, 'lines', e.lines) ORDER BY e.entry_id) FROM (
          SELECT j.entry_id, j.event, jsonb_agg(jsonb_build_object('account', l.account, 'name', a.name, 'debit', l.debit::text, 'credit', l.credit::text, 'currency', l.currency, 'purpose', l.purpose) ORDER BY l.line_no) AS lines
          FROM unnest(k.entries) AS x(entry_id) JOIN ledger.journal_entry j ON j.entry_id = x.entry_id JOIN ledger.journal_line l ON l.entry_id = j.entry_id JOIN ledger.account a ON a.account = l.account
          GROUP BY j.entry_id) e) AS entries,
       (SELECT jsonb_agg(jsonb_build_object('order', o.po_number, 'order_line', o.po_line, 'uom', o.uom, 'currency', o.currency, 'received', trim_scale(g.received_quantity)::text, 'billed', trim_scale(g.billed_quantity)::text,
                 'received_value', g.received_value::text, 'billed_value', g.billed_value::text) ORDER BY o.po_number, o.po_line)
        FROM ledger.gr_ir g JOIN purchasing.order_line o ON o.order_line_id = g.order_line_id
        WHERE NOT o.amount_based AND g.order_line_id IN (SELECT b.order_line_id FROM ledger.booked_line b WHERE b.invoice_id = k.invoice_id)) AS gr_ir
FROM (SELECT u.invoice_id, array_agg(u.entry_id) AS entries FROM ledger.entries_to_reverse(invoices) u GROUP BY u.invoice_id) k
