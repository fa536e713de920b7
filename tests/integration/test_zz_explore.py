from tests.integration.test_manual_runs import *
from backoffice.operators import steps
from backoffice.hooks.ledger import LedgerHook
def test_x(ledger, company_in_its_second_week, generous_tolerances):
    company_in_its_second_week()
    run_night("manual-2", {"dry_run": True, "tolerance_profile": "generous"})
    with LedgerHook().connect() as c, c.transaction(force_rollback=True):
        steps.rehearse(c, 2, 'generous')
        for r in c.execute("""select i.invoice_number, i.kind, i.gross_total, i.payable_total, st.state, st.booking_no, st.payment_block, (select array_agg(code) from ledger.hold h where h.invoice_id=i.invoice_id and released_at is null), oi.amount, p.state, e.run_id
          from ledger.latest_decision d join purchasing.invoice i on i.invoice_id=d.subject_id join ledger.invoice_status st using (invoice_id) left join ledger.open_item oi using (invoice_id) left join ledger.payment_proposal p using (invoice_id) left join ledger.journal_entry e on e.invoice_id=i.invoice_id where d.outcome='approve' and p.state is null""").fetchall(): print("ROW", r)
        for r in c.execute("""select i.invoice_number,l.line_id,l.quantity,l.net_amount,l.uom,o.uom,o.quantity,o.match_type,o.approved,o.closed, (select sum(quantity) from purchasing.receipt_line r where r.order_line_id=o.order_line_id) from ledger.latest_decision d join purchasing.invoice i on i.invoice_id=d.subject_id left join ledger.payment_proposal p using (invoice_id) join purchasing.invoice_line l using (invoice_id) left join purchasing.order_line o using (order_line_id) where d.outcome='approve' and p.state is null""").fetchall(): print("LINE", r)
