import pytest, glob, time
from backoffice import settings

pytestmark = pytest.mark.integration


def test_x(night):
    bad = []
    with night.ledger.connect("auditor") as c:
        for f in sorted(glob.glob("include/sql/controls/*.sql")):
            n = f.split("/")[-1][:-4]
            if n == "summary":
                continue
            t = time.time()
            try:
                with c.transaction():
                    c.execute("SET LOCAL search_path = pg_catalog, pg_temp")
                    rows = c.execute(
                        settings.statement(f"controls/{n}"),
                        {"first_day": night.first_day, "last_day": night.last_day},
                    ).fetchall()
            except Exception as e:
                print("##", n, "ERR", str(e)[:400])
                continue
            print("##", n, round(time.time() - t, 3))
            for r in rows[:12]:
                print("    ", r)
    assert 0
