import json
from tests.night import run_night
from backoffice.processes.invoice_reconciliation import Reconciliation, FolderSource
from datetime import date
def test_x(ledger, product, business_day, shared_data):
    business_day(date(2026,11,20))
    folder=shared_data/'reconciliation'/'xrechnung'
    r=run_night('n1', config=Reconciliation(sources=(FolderSource('dropbox',str(folder),'1000','*.xml'),)))
    for k,v in r.items(): print(k, repr(v)[:600])
    with ledger.connect('auditor') as c:
        print(c.execute("select * from intake.load").fetchall())
        for row in c.execute("select q.row_content->>'filename', q.findings from intake.quarantine q").fetchall(): print('Q',row)
        for row in c.execute("""select s.filename, i.invoice_number, st.state, st.booking_no, array_agg(distinct coalesce(l.line_id,'')||':'||h.code||' '||case when h.code in ('PO_MISSING','PO_NOT_FOUND') then '' else h.facts::text||coalesce(h.measured::text,'') end), (select count(*) from purchasing.invoice_line x where x.invoice_id=i.invoice_id) from purchasing.invoice i join intake.stage_invoice s on s.content_hash=i.content_hash left join ledger.invoice_status st using (invoice_id) left join ledger.hold h using (invoice_id) left join purchasing.invoice_line l on l.invoice_line_id=h.invoice_line_id group by 1,2,3,4,i.invoice_id order by 1""").fetchall(): print(row)
        print(c.execute("select count(*) from ledger.journal_entry").fetchall(), c.execute("select role,state,count(*) from review.case group by 1,2").fetchall())
