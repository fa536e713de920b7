"""What somebody would try: SQL in every value, other addresses, other sites, other people's files, too much of it."""

from __future__ import annotations

import json
import re
from urllib.parse import quote

import lxml.html
import pytest
from fastapi.testclient import TestClient
from tests.web.books import HOSTILE
from tests.web.host import create_host, log_in

SQL = [
    "' OR '1'='1",
    "'; DROP TABLE review.case; --",
    "%' OR TRUE OR '%' = '",
    "1 UNION SELECT person_id FROM review.person",
    "{conditions}",
    "%(person_id)s",
    "$1",
    "\\'; SELECT pg_sleep(5); --",
]
FILTERS = (
    "q",
    "supplier",
    "role",
    "code",
    "process",
    "state",
    "sort",
    "due",
    "mine",
    "older_than",
    "amount_from",
)
PAGES = ("/cases", "/cases/counts", "/activity", "/health", "/audit", "/runs", "/policies")


@pytest.mark.parametrize("text", SQL)
def test_sql_in_a_filter_is_a_text_that_nothing_matches(text, look, standing_books):
    for name in FILTERS:
        for address in ("/cases", "/cases/counts", "/api/v1/cases"):
            response = look("clerk").get(address, params={name: text})
            assert response.status_code in (200, 422), (name, address, response.status_code)
            if response.status_code == 200 and address == "/api/v1/cases":
                assert response.json()["cases"] == [], name
    assert len(look("clerk").get("/api/v1/cases").json()["cases"]) == 6


@pytest.mark.parametrize("text", SQL)
def test_sql_in_what_is_written_is_kept_as_it_is(text, login, books, ledger):
    case = login("clerk").get(f"/api/v1/cases/{books.duplicate}").json()
    body = {
        "action": "reject",
        "reason_code": "duplicate",
        "reason": text,
        "evidence_hash": case["evidence_hash"],
    }
    key = {"Idempotency-Key": "k-12345678"}
    response = login("clerk").post(f"/api/v1/cases/{books.duplicate}/answers", json=body, headers=key)
    kept = len(text.strip()) >= 3
    assert response.status_code == (201 if kept else 422)
    with ledger.connect("admin") as connection:
        found = [row[0] for row in connection.execute("SELECT reason FROM review.answer").fetchall()]
    assert found == ([text] if kept else [])


@pytest.mark.parametrize(
    "path",
    [
        "/static/../application.py",
        "/static/..%2f..%2fauth.py",
        "/static/%2e%2e/auth.py",
        "/static/vendor/README.md",
        "/static/vendor%2fREADME.md",
        "/static/htmx.LICENSE",
        "/static/base.html",
        "/static/",
        "/static/inbox.js%00.css",
        "/gates/invoice_reconciliation/x/../../../etc/passwd",
        "/gates/..%2f..%2f/x/y/etc",
    ],
)
def test_no_address_leads_out_of_its_folder(path, look, standing_books):
    response = look("clerk").get(path)
    assert response.status_code in (403, 404)
    assert "import" not in response.text
    assert "root:" not in response.text


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_no_redirect_or_link_leads_to_another_host(target, standing_ledger, standing_books):
    host = TestClient(create_host(lambda: standing_ledger.dsn("web")), follow_redirects=False)
    # nobody is logged in: the page's one link goes to the host's own log-in, whatever the address says
    for address in (
        f"/backoffice/{target}",
        f"/backoffice/cases?next={quote(target)}",
        "/backoffice//evil.example/",
    ):
        page = host.get(address)
        for link in lxml.html.document_fromstring(page.text).xpath("//a/@href"):
            assert link.startswith("/api/v2/auth/login?next=%2F"), link
            assert re.fullmatch(r"/api/v2/auth/login\?next=[A-Za-z0-9%._-]+", link), link
    known = TestClient(
        create_host(lambda: standing_ledger.dsn("web")),
        headers={"Authorization": f"Bearer {log_in('clerk')}", "Host": "evil.example"},
        follow_redirects=False,
    )
    for address in ("/backoffice/", f"/backoffice/?next={quote(target)}"):
        assert known.get(address).headers["location"] == "/backoffice/cases"
    for name in ("q", "sort", "state", "supplier", "role", "cursor"):
        page = known.get("/backoffice/cases", params={name: target})
        for element in lxml.html.document_fromstring(page.text).iter("a", "form", "nav"):
            for attribute in ("href", "action", "hx-get"):
                assert element.get(attribute, "/backoffice/").startswith(
                    ("/backoffice/", "#", "/api/v2/auth/logout")
                ), name


@pytest.mark.parametrize(
    "name", ["q", "supplier", "role", "code", "process", "amount_from", "cursor", "mine", "state"]
)
@pytest.mark.parametrize(
    "text", [HOSTILE, '"><img src=x onerror=alert(1)>', "' hx-get='//evil.example", "{{7*7}}"]
)
def test_what_is_typed_into_an_address_stays_text(name, text, look, standing_books):
    for address in ("/cases", "/cases/counts", "/audit", "/audit/evidence"):
        parameter = "ref" if address.startswith("/audit") else name
        response = look("clerk").get(address, params={parameter: text})
        page = lxml.html.document_fromstring(response.text)
        assert not page.xpath("//img")
        assert not [one for one in page.iter() if set(one.attrib) & {"onerror", "onload", "onclick"}]
        assert all(
            (one.get("hx-get") or "/").startswith("/cases") for one in page.iter() if one.get("hx-get")
        )
        assert "<script>alert" not in response.text
        assert "49" not in page.xpath("string(//input[@name='q' or @name='ref'])")


@pytest.mark.parametrize("address", ["/api/v1/cases/answers", "/api/v1/cases/answers/check"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Requested-With": "XMLHttpRequest"},
        {"X-Requested-With": "backoffice", "Sec-Fetch-Site": "cross-site"},
        {"X-Requested-With": "backoffice", "Sec-Fetch-Site": "same-site"},
        {"Authorization": "Basic Y2xlcms6eA=="},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
    ],
)
def test_another_site_can_cause_no_write(address, headers, app, books):
    client = TestClient(app)
    client.cookies.set("_token", log_in("clerk"))
    body = json.dumps({"action": "reject", "cases": [{"case_id": 1, "evidence_hash": "0" * 64}]})
    assert (
        client.post(
            address, content=body, headers={"Content-Type": "application/json", **headers}
        ).status_code
        == 403
    )


@pytest.mark.parametrize("address", ["/api/v1/cases/answers", "/api/v1/cases/answers/check"])
def test_bodies_that_are_too_large_or_no_json(address, look, standing_books):
    client, headers = look("clerk"), {"Idempotency-Key": "0123456789"}
    assert client.post(address, content=b"x" * 70_000, headers=headers).status_code == 413
    for content in (b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"cases": ' + b"[" * 5_000, b'{"action": NaN}'):
        assert client.post(address, content=content, headers=headers).status_code == 422, content[:20]


@pytest.mark.parametrize("page", PAGES)
def test_every_page_carries_its_policy_and_needs_no_exception_from_it(page, look, standing_books):
    response = look("clerk").get(page)
    policy = response.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "script-src 'self'" in policy
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "no-store"
    document = lxml.html.document_fromstring(response.text)
    assert not [
        one
        for one in document.iter()
        if "style" in one.attrib or any(name.startswith("on") for name in one.attrib)
    ]
    assert not document.xpath("//style")
    assert not document.xpath("//script[not(@src)]")


@pytest.mark.parametrize("page", [*PAGES, "/audit/evidence?ref=case:1"])
def test_without_the_ledger_each_page_is_our_503(page, airflow_without_its_database):
    from tests.web.host import create_test_app

    app = create_test_app(lambda: "host=127.0.0.1 port=1 user=nobody dbname=none")
    client = TestClient(app, headers={"Authorization": f"Bearer {log_in('clerk')}"})
    response = client.get(page)
    assert response.status_code == 503
    assert "The ledger does not answer at the moment" in response.text
