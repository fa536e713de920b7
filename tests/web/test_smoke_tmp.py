def test_x(books, login):
    c = login("clerk")
    r = c.get("/api/v1/cases")
    print(r.status_code, r.text[:3000])
    for k in ("price", "duplicate", "large", "quarantined", "own_order", "received"):
        r = c.get(f"/api/v1/cases/{getattr(books, k)}")
        print(r.status_code, r.text[:6000])
        r = c.get(f"/cases/{getattr(books, k)}")
        print(r.status_code, r.text[:200])
    print(
        c.get("/cases").status_code,
        c.get("/runs").status_code,
        c.get(f"/runs/{books.dag_id}/{books.airflow_run_id}").text[:500],
    )
    r = c.get(f"/api/v1/runs/{books.dag_id}/{books.airflow_run_id}/report")
    print(r.status_code, r.text)
    print(
        c.get("/api/v1/openapi.json").status_code,
        c.get("/nope").status_code,
        login(None).get("/nope").status_code,
    )
