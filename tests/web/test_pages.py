"""The pages as HTML: nothing a supplier writes becomes markup, and every link leads somewhere."""

from __future__ import annotations

import lxml.html
import pytest
from fastapi.testclient import TestClient
from tests.web.books import HOSTILE
from tests.web.host import create_host, log_in


def page_of(client: TestClient, address: str) -> lxml.html.HtmlElement:
    response = client.get(address)
    assert response.status_code == 200, response.text
    return lxml.html.document_fromstring(response.text)


def text_of(page: lxml.html.HtmlElement) -> str:
    return " ".join(" ".join(page.find(".//main").itertext()).split())


@pytest.mark.parametrize("name", ["duplicate", "quarantined"])
def test_hostile_names_values_and_file_names_stay_text(name, look, standing_books):
    for address in ("/cases", f"/cases/{getattr(standing_books, name)}"):
        response = look("clerk").get(address)
        assert HOSTILE not in response.text
        page = lxml.html.document_fromstring(response.text)
        assert {script.get("src") for script in page.iter("script")} <= {
            "/static/theme.js",
            "/static/backoffice.js",
            "/static/case_keys.js",
            "/static/case_life.js",
            "/static/htmx.min.js",
            "/static/inbox.js",
        }
        assert HOSTILE in text_of(page)


@pytest.mark.parametrize(
    "address",
    [
        "/cases",
        "/cases/1",
        "/cases/6",
        "/runs",
        "/runs/invoice_reconciliation/scheduled__2026-11-22T03:00:00+00:00",
        "/cases/99999",
    ],
)
def test_no_page_needs_what_its_policy_forbids(address, look, standing_books):
    page = lxml.html.document_fromstring(look("clerk").get(address).text)
    for element in page.iter():
        attributes = {str(name) for name in element.attrib}
        assert "style" not in attributes, lxml.html.tostring(element)
        assert not {name for name in attributes if name.startswith("on")}, lxml.html.tostring(element)
        for name in ("href", "src", "action"):
            target = element.get(name, "")
            assert "javascript:" not in target
            assert not target.startswith(("http:", "https:", "//")), f"{target} is on another host"
    assert not list(page.iter("style"))


LOG_OUT = "/api/v2/auth/logout"  # the one address of Airflow's own that our pages lead to


def test_links_keep_the_prefix_the_pages_are_mounted_under(standing_ledger, standing_books):
    host = TestClient(
        create_host(lambda: standing_ledger.dsn("web")),
        headers={"Authorization": f"Bearer {log_in('clerk')}"},
        follow_redirects=False,
    )
    seen, todo = set(), ["/backoffice/cases"]
    while todo:
        address = todo.pop()
        if address in seen:
            continue
        seen.add(address)
        response = host.get(address)
        assert response.status_code == 200, address
        if "html" not in response.headers["content-type"]:
            continue
        page = lxml.html.document_fromstring(response.text)
        for element, _, link, _ in page.iterlinks():
            if element.tag != "form" and not link.startswith(("#", "data:")) and link != LOG_OUT:
                assert link.startswith("/backoffice/"), link
                todo.append(link.split("#")[0])
    assert f"/backoffice/cases/{standing_books.large}" in seen
    assert "/backoffice/static/report.css" in seen
    # one of the six originals is a PDF file, which its page frames besides
    assert len([address for address in seen if "/documents/" in address]) == 7


def test_the_inbox_says_whose_cases_there_are(look, standing_books):
    page = page_of(look("clerk"), "/cases")
    assert len(page.xpath("//tr[@data-case]")) == 3, "it opens on what waits for the person"
    assert "For me (3)" in text_of(page)
    assert "For everybody (6)" in text_of(page)
    page = page_of(look("clerk"), "/cases?mine=false")
    rows = page.find_class("list")[0].findall(".//tbody/tr")
    assert len(rows) == 6
    first = " ".join(" ".join(rows[0].itertext()).split())
    assert "Invoice RE-1002" in first
    assert "Billed more than received" in first
    assert "2026-11-19, past" in first  # before the day of payment


def test_filters_stay_as_they_were_chosen(look, standing_books):
    page = page_of(look("clerk"), "/cases?mine=false&role=buyer&code=PRICE&q=nordwind&state=all")
    assert page.xpath("//input[@name='q']/@value") == ["nordwind"]
    assert page.xpath("//select[@name='role']/option[@selected]/@value") == ["buyer"]
    assert page.xpath("//select[@name='code']/option[@selected]/@value") == ["PRICE"]
    assert page.xpath("//select[@name='state']/option[@selected]/@value") == ["all"]
    empty = page_of(look("clerk"), "/cases?role=plant_manager")
    assert "No case matches" in text_of(empty)
    assert "No case of yours matches" in text_of(page_of(look("clerk"), "/cases?role=buyer&mine=true"))


def test_the_case_page_shows_the_values_side_by_side(look, standing_books):
    page = page_of(look("buyer"), f"/cases/{standing_books.received}")
    compared = [" ".join(" ".join(box.itertext()).split()) for box in page.find_class("compare")[0]]
    assert compared[0].startswith("Billed in all 100 pcs RE-1002, line 1; source: mailbox, of 20")
    assert compared[0].endswith(" ago")
    # nothing was ever received in these books: there is no receipt to name
    assert compared[1:] == ["Received 90 pcs", "Difference 10 pcs", "Allowed Nothing"]


def test_the_form_offers_what_the_person_may_do(look, standing_books):
    page = page_of(look("clerk"), f"/cases/{standing_books.quarantined}")
    assert page.xpath("//input[@name='action']/@value") == ["ask_again", "read_again", "discard"]
    assert "needs a second person" in text_of(page)
    assert page.xpath("//option[@data-action='discard']/@value") == [
        "not_an_invoice",
        "advertising",
        "sent_in_error",
    ]
    assert len(page.xpath("//input[@name='evidence_hash']/@value")[0]) == 64


def test_who_may_not_decide_sees_why_and_no_form(look, standing_books):
    page = page_of(look("clerk"), f"/cases/{standing_books.price}")
    assert not page.xpath("//form[@id='answer']")
    assert "This is for the role 'Buyer', which you do not have." in text_of(page)
    assert "Books the invoice" in text_of(page), "what would happen is shown all the same"


def test_a_log_in_without_a_person_is_told_what_to_do(look, standing_books):
    response = look("viewer").get("/cases")
    assert response.status_code == 403
    text = text_of(lxml.html.document_fromstring(response.text))
    assert "logged in as “viewer”" in text
    assert "Log out" in text
    assert "To the cases" not in text
    assert "on the page Authority: log-in “viewer” of “airflow”" in text


def test_without_a_log_in_the_page_leads_to_it_and_back(look, standing_books):
    response = look(None).get("/cases/7?x=1")
    assert response.status_code == 401
    page = lxml.html.document_fromstring(response.text)
    assert "/api/v2/auth/login?next=%2Fcases%2F7%3Fx%3D1" in page.xpath("//a/@href")


def test_a_run_that_has_not_reported_says_so(login, books, ledger):
    with ledger.connect("app") as connection:
        connection.execute(
            "SELECT ops.open_run('invoice_reconciliation', %s, 'manual__1', false, '{}', '0.1.0')",
            (books.dag_id,),
        )
    assert "No report yet" in text_of(page_of(login("clerk"), f"/runs/{books.dag_id}/manual__1"))


def test_the_run_page_is_the_report(look, standing_books):
    page = page_of(look("viewer"), f"/runs/{standing_books.dag_id}/{standing_books.airflow_run_id}")
    text = text_of(page)
    assert "Synthetic data" in text
    assert "6 cases of this run still wait" in text


@pytest.mark.parametrize("parameters", ['{"synthetic": true}', "{}"])
def test_what_is_of_the_sandbox_company_is_called_synthetic(login, books, ledger, parameters):
    with ledger.connect("admin") as connection:
        connection.execute("UPDATE ops.run SET parameters = %s", (parameters,))
    client, synthetic = login("clerk"), "true" in parameters
    for address, times in (("/cases", 1), (f"/cases/{books.price}", 1), ("/runs", 1)):
        assert text_of(page_of(client, address)).count("Synthetic data") == (times if synthetic else 0)
    assert client.get(f"/api/v1/cases/{books.price}").json()["synthetic"] is synthetic
    assert client.get("/api/v1/cases").json()["cases"][0]["synthetic"] is synthetic
    assert client.get("/api/v1/runs").json()["runs"][0]["synthetic"] is synthetic


def test_beside_a_real_case_each_synthetic_one_is_marked(login, books, ledger):
    with ledger.connect("admin") as connection:
        connection.execute(
            """UPDATE ops.run SET parameters = '{"synthetic": true}'; """
            f"UPDATE review.case SET opened_run = ops.open_run('invoice_reconciliation', '{books.dag_id}', 'real', false, '{{}}', '0.1.0') "
            f"WHERE case_id = {books.price}"
        )
    page = page_of(login("clerk"), "/cases?mine=false")
    assert page.get_element_by_id("synthetic").text_content() == ""
    rows = page.xpath("//tr[@data-case]")
    marked = {row.get("data-case") for row in rows if "Synthetic data" in row.text_content()}
    assert marked == {row.get("data-case") for row in rows} - {str(books.price)} != set()


def test_a_decided_case_shows_the_answer_and_no_form(login, books, ledger):
    case = login("buyer").get(f"/api/v1/cases/{books.price}").json()
    body = {
        "action": "accept",
        "reason_code": "approved",
        "reason": f"said {HOSTILE}",
        "evidence_hash": case["evidence_hash"],
    }
    taken = login("buyer").post(
        f"/api/v1/cases/{books.price}/answers",
        json=body,
        headers={"Idempotency-Key": "k-12345678"},
    )
    assert taken.status_code == 201
    response = login("clerk").get(f"/cases/{books.price}")
    assert HOSTILE not in response.text
    text = text_of(lxml.html.document_fromstring(response.text))
    assert f"said {HOSTILE}" in text
    assert "decided, not yet booked" in text
    assert "What should be done?" not in text
