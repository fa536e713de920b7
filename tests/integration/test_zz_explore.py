import json
from tests.night import run_night
from backoffice.processes.invoice_reconciliation import Reconciliation, ExtractSource
from datetime import date
def test_x(ledger, product, business_day, shared_data):
    business_day(date(2026,11,20))
    with ledger.connect('admin') as c:
        c.execute("insert into ops.entity (entity,name,ledger_currency) values ('companyID_0000','BPI','EUR')")
        c.execute("insert into ledger.fiscal_period select 'companyID_0000',period,starts_on,ends_on,state from ledger.fiscal_period where entity='1000'")
    folder=shared_data/'reconciliation'/'sap_sample'
    r=run_night('n1', config=Reconciliation(sources=(ExtractSource('sap_export',str(folder),'sap_mm_amounts'),)))
    for k,v in r.items(): print(k, repr(v)[:1600])
    with ledger.connect('auditor') as c:
        print(c.execute("select q.dataset,q.findings,count(*) from intake.quarantine q group by 1,2").fetchall())
        print(c.execute("select dataset, received_count,accepted_count,quarantined_count,known_count,received_amount,received_unknown,profile,parser from intake.load").fetchall())
        print(c.execute("select code,effect,count(*) from ledger.hold where released_at is null group by 1,2").fetchall())
        print(c.execute("select state,count(*) from ledger.invoice_status group by 1").fetchall())
        print(c.execute("select outcome,rule,count(*) from ledger.decision group by 1,2").fetchall())
        print(c.execute("select event,posting_date,period,count(*) from ledger.journal_entry group by 1,2,3").fetchall())
